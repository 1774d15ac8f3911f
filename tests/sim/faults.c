// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand, by properties of the PF that can be set at any time:
 *
 *	fault	COMMAND [vf=N] [running] [skip=N] [times=N] status=N | timeout | delay=MS |
 *		grow=BYTES | required=BYTES | endless | empty | delivery=N
 *	event	tracker-error VF | tracker-full VF | tracker-stray VF |
 *		tracker-unasked VF | tracker-flood VF | qp-error VF | cq-error VF |
 *		reinit VF | fatal | fatal-slow | work-on
 *	objects	(read only) what the PF's driver has not destroyed
 *
 * See docs/simulator.md.
 */
#include "vf_migration.h"
#include "qapi/error.h"

#define ANY_VF	UINT32_MAX

struct fault {
	uint16_t opcode;
	uint32_t vf;			/* whom the command is about, if it says so */
	uint32_t skip, times;		/* let SKIP pass, then hit TIMES */
	bool running;			/* only while that VF is not suspended as responder */
	struct cx_fault_effect effect;
};

static bool hits(const struct fault *fault, struct cx_command *cmd)
{
	struct cx_function *vf = cx_migration_subject(cmd);

	if (fault->opcode != cmd->opcode || (fault->vf != ANY_VF && (!vf || fault->vf != vf->id)))
		return false;
	return !fault->running || (vf && !vf->migration->responder_suspended);
}

struct cx_fault_effect cx_fault_for(struct cx_command *cmd)
{
	struct cx_pf *pf = cmd->fn->pf;

	for (GList *link = pf->faults; link; link = link->next) {
		struct fault *fault = link->data;
		struct cx_fault_effect effect = fault->effect;

		if (!hits(fault, cmd))
			continue;
		if (fault->skip) {
			fault->skip--;
			continue;
		}
		if (!--fault->times) {
			g_free(fault);
			pf->faults = g_list_delete_link(pf->faults, link);
		}
		return effect;
	}
	return (struct cx_fault_effect){ CX_FAULT_NONE };
}

static bool parse_number(const char *word, const char *key, uint32_t *value)
{
	size_t length = strlen(key);
	char *end;

	if (strncmp(word, key, length) || !word[length])
		return false;
	*value = strtoul(word + length, &end, 0);
	return !*end;
}

static bool parse_word(struct fault *fault, const char *word)
{
	uint32_t number;

	if (parse_number(word, "vf=", &fault->vf) || parse_number(word, "skip=", &fault->skip))
		return true;
	if (parse_number(word, "times=", &number) && number) {
		fault->times = number;
		return true;
	}
	if (parse_number(word, "status=", &number) && number && number <= UINT8_MAX) {
		fault->effect = (struct cx_fault_effect){ CX_FAULT_STATUS, number };
		return true;
	}
	if (parse_number(word, "delay=", &number)) {
		fault->effect = (struct cx_fault_effect){ CX_FAULT_DELAY, number };
		return true;
	}
	if (parse_number(word, "grow=", &number)) {
		fault->effect = (struct cx_fault_effect){ CX_FAULT_GROW, number };
		return true;
	}
	if (parse_number(word, "required=", &number)) {
		fault->effect = (struct cx_fault_effect){ CX_FAULT_REQUIRED, number };
		return true;
	}
	if (parse_number(word, "delivery=", &number) && number && number <= INT8_MAX) {
		fault->effect = (struct cx_fault_effect){ CX_FAULT_DELIVERY, number };
		return true;
	}
	if (!strcmp(word, "timeout")) {
		fault->effect.kind = CX_FAULT_TIMEOUT;
		return true;
	}
	if (!strcmp(word, "empty")) {
		fault->effect.kind = CX_FAULT_EMPTY;
		return true;
	}
	if (!strcmp(word, "endless")) {
		fault->effect.kind = CX_FAULT_ENDLESS;
		return true;
	}
	if (!strcmp(word, "running")) {
		fault->running = true;
		return true;
	}
	return false;
}

static void set_fault(Object *obj, const char *text, Error **errp)
{
	struct cx_pf *pf = CX_PF(obj);
	g_auto(GStrv) words = g_strsplit_set(text, " ", -1);
	struct fault fault = { .vf = ANY_VF, .times = 1 };

	if (!*text) {
		cx_faults_free(pf);
		/* First: a driver that has given a command up does not expect its completion. */
		cx_let_reset_go(&pf->fn);
		cx_command_queue_unstick(&pf->fn);
		return;
	}
	fault.opcode = cx_command_opcode(words[0]);
	if (!fault.opcode) {
		error_setg(errp, "fault: no command %s", words[0]);
		return;
	}
	for (char **word = words + 1; *word; word++) {
		if (**word && !parse_word(&fault, *word)) {
			error_setg(errp, "fault: %s is none of vf=N, running, skip=N, "
				   "times=N, status=N, timeout, delay=MS, grow=BYTES, required=BYTES, "
				   "endless, empty, delivery=N", *word);
			return;
		}
	}
	if (fault.effect.kind == CX_FAULT_NONE) {
		error_setg(errp, "fault: one of status=N, timeout, delay=MS, grow=BYTES, "
			   "required=BYTES, endless, empty, delivery=N is needed");
		return;
	}
	pf->faults = g_list_append(pf->faults, g_memdup2(&fault, sizeof(fault)));
}

/* Faults that have not happened yet, one a line. */
static char *get_fault(Object *obj, Error **errp)
{
	GString *text = g_string_new(NULL);

	for (GList *link = CX_PF(obj)->faults; link; link = link->next) {
		const struct fault *fault = link->data;

		g_string_append_printf(text, "%s skip=%u times=%u\n",
				       cx_command_name(fault->opcode), fault->skip, fault->times);
	}
	return g_string_free(text, false);
}

void cx_faults_free(struct cx_pf *pf)
{
	g_list_free_full(g_steal_pointer(&pf->faults), g_free);
}

static bool raise_event(struct cx_pf *pf, const char *event, unsigned int vf)
{
	uint32_t qpn = cx_tracker_host_qp(pf, vf);
	struct cx_function *fn = cx_function_get(pf, vf);

	if (!strcmp(event, "reinit")) {
		if (vf && fn)
			cx_migration_reinit(fn);
		return vf && fn;
	}
	if (!strcmp(event, "tracker-error") || !strcmp(event, "tracker-full"))
		return cx_tracker_fail(pf, vf);
	if (!strcmp(event, "tracker-stray"))
		return cx_tracker_stray(pf, vf);
	if (!strcmp(event, "tracker-unasked"))
		return cx_tracker_unasked(pf, vf);
	if (!strcmp(event, "tracker-flood"))
		return cx_tracker_flood(pf, vf);
	if (!qpn)
		return false;
	if (!strcmp(event, "qp-error"))
		cx_qp_error(&pf->fn, qpn);
	else if (!strcmp(event, "cq-error"))
		cx_cq_error(&pf->fn, cx_qp_receive_cq(&pf->fn, qpn));
	else
		return false;
	return true;
}

static void set_event(Object *obj, const char *text, Error **errp)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 2);
	struct cx_pf *pf = CX_PF(obj);
	unsigned int vf;

	if (!strcmp(text, "fatal") || !strcmp(text, "fatal-slow")) {
		pf->fn.health_syndrome = 1;
		if (strcmp(text, "fatal"))
			cx_hold_reset(&pf->fn);
		return;
	}
	if (!strcmp(text, "work-on")) {
		if (!cx_command_queue_work_on(&pf->fn))
			error_setg(errp, "event: work-on: no command, or it failed");
		return;
	}
	if (!words[0] || !words[1] || !parse_number(words[1], "", &vf) ||
	    !raise_event(pf, words[0], vf))
		error_setg(errp, "event: %s: not fatal, fatal-slow, work-on, or KIND VF with KIND one of tracker-error, "
			   "tracker-full, tracker-stray, tracker-unasked, tracker-flood, qp-error, cq-error "
			   "and a tracker on that VF, "
			   "or reinit", text);
}

static char *get_objects(Object *obj, Error **errp)
{
	struct cx_pf *pf = CX_PF(obj);
	struct cx_function *fn = &pf->fn;
	unsigned int vf_pages = 0;

	for (size_t id = 0; id < ARRAY_SIZE(pf->vf_pages); id++)
		vf_pages += pf->vf_pages[id].length;
	return g_strdup_printf("uars=%u pds=%u mkeys=%u eqs=%u cqs=%u qps=%u trackers=%u "
			       "pages=%u vf-pages=%u",
			       cx_table_count(&fn->uars), cx_table_count(&fn->pds),
			       cx_table_count(&fn->mkeys), cx_table_count(&fn->eqs),
			       cx_table_count(&fn->cqs), cx_table_count(&fn->qps),
			       cx_table_count(&fn->trackers), fn->pages.length, vf_pages);
}

void cx_faults_register(ObjectClass *class)
{
	object_class_property_add_str(class, "fault", get_fault, set_fault);
	object_class_property_add_str(class, "event", NULL, set_event);
	object_class_property_add_str(class, "objects", get_objects, NULL);
}
