/* SPDX-License-Identifier: GPL-2.0-only */
/* The doctor's findings. */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stddef.h>

/* A problem keeps something from working, a note does not. */
enum severity { NOTE, PROBLEM };

/**
 * struct finding - one thing that the doctor found
 * @check: a word for programs, which does not change
 * @subject: a device's address, or "system"
 * @text: what was found
 * @advice: what to do about it, or ""
 */
struct finding {
	enum severity severity;
	const char *check;
	char subject[24];
	char text[512];
	const char *advice;
};

struct findings {
	struct finding *finding;
	size_t count;
	const char *subject;
};

/* findings.c APIs: */
void add_finding(struct findings *findings, enum severity severity, const char *check,
		 const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));
bool has_problems(const struct findings *findings);
void findings_print(const struct findings *findings);
void findings_print_json(const struct findings *findings);

#endif
