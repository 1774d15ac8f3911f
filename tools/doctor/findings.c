// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "doctor/findings.h"
#include "output/json.h"
#include "system/text.h"

/* The version of what doctor prints as JSON. */
#define FINDINGS_VERSION 1

static const char *const severities[] = { [NOTE] = "note", [PROBLEM] = "problem" };

/* Adds a finding about findings->subject. */
void add_finding(struct findings *findings, enum severity severity, const char *check,
		 const char *advice, const char *format, ...)
{
	struct finding *finding;
	va_list args;

	finding = reallocarray(findings->finding, findings->count + 1, sizeof(*finding));
	if (!finding)
		abort();
	findings->finding = finding;
	finding += findings->count++;
	*finding = (struct finding){ .severity = severity, .check = check, .advice = advice };
	snprintf(finding->subject, sizeof(finding->subject), "%s", findings->subject);
	va_start(args, format);
	vsnprintf(finding->text, sizeof(finding->text), format, args);
	va_end(args);
	/* It may quote any bytes, and may be cut in the middle of a character. */
	text_clean(finding->text);
}

bool has_problems(const struct findings *findings)
{
	size_t n;

	for (n = 0; n < findings->count; n++)
		if (findings->finding[n].severity == PROBLEM)
			return true;
	return false;
}

void findings_print(const struct findings *findings)
{
	size_t n;

	for (n = 0; n < findings->count; n++) {
		const struct finding *finding = &findings->finding[n];

		printf("%s: %s: %s\n", finding->subject, severities[finding->severity],
		       finding->text);
		if (*finding->advice)
			printf("    %s\n", finding->advice);
	}
	if (!findings->count)
		puts("nothing found");
}

void findings_print_json(const struct findings *findings)
{
	json_t *list = json_array(), *json;
	size_t n;

	for (n = 0; n < findings->count; n++) {
		const struct finding *finding = &findings->finding[n];

		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:s}",
						      "subject", finding->subject,
						      "severity", severities[finding->severity],
						      "check", finding->check,
						      "text", finding->text,
						      "advice", finding->advice));
	}
	json = json_pack("{s:i, s:o}", "version", FINDINGS_VERSION, "findings", list);
	json_print(json);
	json_decref(json);
}
