/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fuzz.h: what the fuzzer calls besides the calls of tests/compare/guest, which are drawn so that
 * two drivers can be compared: whatever may not differ is not called there.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include "../../compare/guest/compare.h"

/* wild.c: calls whose arguments mean nothing */
void call_wild_ioctl(void);
void call_wild_feature(void);
void call_wild_access(void);
void call_further_region(void);
/* Out of low power: a function that sleeps is woken for each call, which takes long. */
void call_wake(void);

/* held.c: what a client may hold, and how long */
void call_token(void);
void call_dma_buf_held(void);
/* Take the device a second time, with the right words or others. */
void call_open_again(void);
/* Close the device, and open it again. */
void call_reopen(void);
/* Close what is held. */
void held_close(void);

/* host.c: what the host does to a function while a client has it, or before one has it */
void host_change_policy(void);
void call_host(void);
/* What the host does meanwhile, or nothing. */
void host_disturb(void);

/* works.c: whether the device still works, and what may be in the log */
void check_works(const struct subject *subject);
void expect_messages_to_nowhere(void);

/*
 * whatever.c: which call comes next. Of slow ones a share of SLOW percent is made; IS_ALONE: no
 * other thread has the device.
 */
void call_whatever(unsigned int group, unsigned int slow, bool is_alone);

/* UUIDs that the fuzzer's tokens have; the first one's bytes: held.c. */
extern const uint8_t fuzz_token[16];
#define TOKEN		"2ab74924-c335-45f4-9b16-8569e5b08258"
#define OTHER_TOKEN	"2ab74924-c335-45f4-9b16-8569e5b08259"

#endif
