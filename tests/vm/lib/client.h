/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client.h: unmodified programs of a Debian root, on machines with a `root` line.
 *
 * The root is read-only but for /tmp and /run, which are the guest's own, so that a file that a
 * test writes to /tmp is there for the client. A client is killed with its test.
 */
#ifndef VMTEST_CLIENT_H
#define VMTEST_CLIENT_H

struct client;

/* Run a shell command line to its end; fails the test if it takes too long. */
struct client *client_start(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Write to its standard input. */
void client_say(struct client *client, const char *text);
/*
 * Wait until it has printed what matches the extended regular expression, after what the last
 * call found; fails the test when it ends or MS milliseconds pass without. Returns the match, to
 * be freed.
 */
char *client_expect(struct client *client, const char *pattern, int ms);
/* Wait until it ends: returns its exit status, 128 + N after signal N. */
int client_wait(struct client *client, int ms);
/* Send it a signal. */
void client_signal(struct client *client, int number);
/* All that it has printed so far, standard error included; lives as long as the client. */
const char *client_output(struct client *client);

/* Run a command line: returns what it printed, to be freed; fails the test unless it succeeds. */
char *client_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
