// SPDX-License-Identifier: GPL-2.0-only
#include "witness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "test.h"
#include "vm.h"

#define LIMIT_MS 20000
#define MACHINE "\"path\":\"/machine\",\"property\":\"witness\""

char *witness_offences(void)
{
	char *text = vm_qmp("{\"execute\":\"qom-get\",\"arguments\":{" MACHINE "}}");
	size_t length = strlen(text);

	/* JSON: a string. */
	if (length < 2 || text[0] != '"' || text[length - 1] != '"')
		FAIL("the machine's witnesses say %s", text);
	text[length - 1] = 0;
	memmove(text, text + 1, length - 1);
	return text;
}

unsigned long long witness_count(const char *id, const char *offence)
{
	char *text = witness_offences(), key[64], *found;
	unsigned long long count;

	snprintf(key, sizeof(key), "%s: %s=", id, offence);
	found = strstr(text, key);
	count = found ? strtoull(found + strlen(key), NULL, 10) : 0;
	free(text);
	return count;
}

void witness_forget(void)
{
	free(vm_qmp("{\"execute\":\"qom-set\",\"arguments\":{" MACHINE ",\"value\":\"\"}}"));
}

void witness_set(const char *id, const char *property, const char *value)
{
	free(vm_qmp("{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"%s\",\"property\":\"%s\","
		    "\"value\":%s}}", id, property, value));
}

void witness_set_intx(const char *id, bool raised)
{
	witness_set(id, "intx", raised ? "true" : "false");
}

void witness_raise_through_resets(const char *id, const char *flr_ms)
{
	witness_set(id, "intx-survives-reset", "true");
	witness_set(id, "flr-ms", flr_ms);
	witness_set_intx(id, true);
}

bool witness_is_in_reset(const char *id)
{
	char *text = vm_qmp("{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"%s\","
			    "\"property\":\"answers\"}}", id);
	bool yes = !!strcmp(text, "true");

	free(text);
	return yes;
}

void witness_wait_in_reset(const char *id)
{
	CHECK(WAIT_UNTIL(witness_is_in_reset(id), LIMIT_MS));
}

void witness_wait_ready(const char *id)
{
	CHECK(WAIT_UNTIL(!witness_is_in_reset(id), LIMIT_MS));
}

bool witness_exists(void)
{
	char *answer;
	int ret = vm_request_try(&answer, "qmp {\"execute\":\"qom-get\",\"arguments\":{" MACHINE "}}");

	free(answer);
	return !ret;
}

/* 0 if there is none: kernels may list their functions alone. */
static unsigned long long kernel_symbol(const char *wanted)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned long long address;
	char line[512], name[256];

	if (!symbols)
		FAIL("/proc/kallsyms: %m");
	while (fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%llx %*c %255s", &address, name) == 2 && !strcmp(name, wanted)) {
			fclose(symbols);
			return address;
		}
	}
	fclose(symbols);
	return 0;
}

void witness_tell_clock(void)
{
	free(vm_qmp("{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"/machine\","
		    "\"property\":\"guest-jiffies\",\"value\":%llu}}",
		    kernel_symbol("jiffies_64")));
}

void witness_check(void)
{
	char *text = witness_offences(), *line, *rest = text;

	if (!*text)
		return;
	while ((line = strsep(&rest, ";")))
		if (line[0])
			test_note("%s", line[0] == ' ' ? line + 1 : line);
	FAIL("the witnesses have seen what nobody may do");
}
