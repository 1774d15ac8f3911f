// SPDX-License-Identifier: GPL-2.0-only
#include <stddef.h>
#include <stdint.h>

#include "system/text.h"

/* How many bytes follow @first in a UTF-8 sequence, or -1 if it cannot be the first. */
static int followers(unsigned char first)
{
	if (first < 0x80)
		return 0;
	if (first >= 0xc2 && first < 0xe0)
		return 1;
	if (first >= 0xe0 && first < 0xf0)
		return 2;
	return first >= 0xf0 && first < 0xf5 ? 3 : -1;
}

/* Surrogates, code points beyond the last, and sequences that could be shorter. */
static bool is_forbidden(unsigned char first, unsigned char second)
{
	return (first == 0xe0 && second < 0xa0) || (first == 0xed && second >= 0xa0) ||
	       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second >= 0x90);
}

/* The length of the character at @text, or 0 if it may not be printed. */
static size_t clean_length(const unsigned char *text)
{
	int count = followers(*text), n;

	if (count < 0 || (*text < 0x20 && *text != '\t') || *text == 0x7f)
		return 0;
	/* C1 controls. */
	if (*text == 0xc2 && text[1] < 0xa0)
		return 0;
	for (n = 1; n <= count; n++)
		if ((text[n] & 0xc0) != 0x80)
			return 0;
	return count && is_forbidden(text[0], text[1]) ? 0 : count + 1;
}

/* Whether @text is UTF-8 without control characters. */
bool text_is_clean(const char *text)
{
	size_t length;

	for (; *text; text += length) {
		length = clean_length((const unsigned char *)text);
		if (!length)
			return false;
	}
	return true;
}

/* Replaces each byte that is not clean by a question mark. */
void text_clean(char *text)
{
	size_t length;

	for (; *text; text += length) {
		length = clean_length((const unsigned char *)text);
		if (!length) {
			*text = '?';
			length = 1;
		}
	}
}
