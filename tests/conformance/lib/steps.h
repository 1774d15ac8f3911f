/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * steps.h: situations, which are tests of which compare judges the trace, and steps of all of them.
 */
#ifndef CONFORMANCE_STEPS_H
#define CONFORMANCE_STEPS_H

#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define STATE(name) VFIO_DEVICE_STATE_##name

/* The VF that all is about. */
extern struct vfio_device *vf;

/* SITUATION(name) { steps }: what is asked from here on belongs to it. */
#define SITUATION(name)				\
	static void name##_steps(void);		\
	TEST(name)				\
	{					\
		situation_begin(#name);		\
		name##_steps();			\
	}					\
	static void name##_steps(void)

/* A property of the model and its value in JSON, for the whole group. Before the first situation. */
void situation_configure(const char *property, const char *value);
/* The VF stays bound from one situation to the next: that saves half of the time. */
void situation_begin(const char *name);

/* One more fault of the model (docs/simulator.md), and none. */
void fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
void no_faults(void);

/* Reset the VF. Nothing that is asked after this follows on what was asked before. */
void reset(void);
/* The same of the PF, once in a situation. What the VF's client finds then differs. */
void pf_reset(void);

#endif
