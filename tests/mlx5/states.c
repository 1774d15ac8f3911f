// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state diagram: where each request leads from each state, and that a reset, a close and an
 * unbind lead out of every one.
 *
 * vm-machine: connectx
 * vm-drivers: kernel ours
 * vm-modules: mlx5_core
 */
#include "vmtest.h"
#include "connectx.h"
#include "migration.h"

#define STATE(name) VFIO_DEVICE_STATE_##name

CLEAN_UP
{
	connectx_clean_up();
}

static struct vfio_device *vf;
static struct migration_image image;

static bool is_precopy(unsigned int state)
{
	return state == STATE(PRE_COPY) || state == STATE(PRE_COPY_P2P);
}

/* These share a data fd. */
static bool is_saving(unsigned int state)
{
	return is_precopy(state) || state == STATE(STOP_COPY);
}

static bool is_refused(unsigned int from, unsigned int to)
{
	return to == STATE(ERROR) || (from == STATE(STOP_COPY) && is_precopy(to));
}

static bool has_data_fd(unsigned int from, unsigned int to)
{
	return (is_saving(to) && !is_saving(from)) || (to == STATE(RESUMING) && from != to);
}

/* How far the firmware has suspended the VF: bit 0 as initiator, bit 1 as responder. */
static unsigned int suspended_in(unsigned int state)
{
	switch (state) {
	case STATE(RUNNING):
	case STATE(PRE_COPY):
		return 0;
	case STATE(RUNNING_P2P):
	case STATE(PRE_COPY_P2P):
		return 1;
	default:
		return 3;
	}
}

/* The Nth state that the driver knows, 0 after the last. ERROR, which is 0, cannot be asked for. */
static unsigned int state_number(unsigned int n)
{
	unsigned int count = migration_has_precopy() ? STATE(PRE_COPY_P2P) : STATE(RUNNING_P2P);

	return n < count ? n + 1 : 0;
}

#define for_each_state(state) \
	for (unsigned int n_##state = 0, state; (state = state_number(n_##state)); n_##state++)

static void open_vf(void)
{
	vf = connectx_open_one();
	CHECK_EQ(window_fill(vf, 20000, 5), WINDOW_DONE);
	image = migration_save(vf);
}

/* In RESUMING a whole image has come, so that the state can be left. */
static int enter(unsigned int state)
{
	int data = migration_bring_to(vf, state);

	if (state == STATE(RESUMING))
		CHECK_EQ(migration_write_try(data, image.bytes, image.size), 0);
	return data;
}

static void check_in(unsigned int state, const char *how)
{
	if (migration_state(vf) != state || (window_suspended(vf) & 3) != suspended_in(state))
		FAIL("%s: in %s, suspended %llu, instead of %s", how,
		     migration_state_name(migration_state(vf)),
		     (unsigned long long)window_suspended(vf), migration_state_name(state));
}

static void check_arc(unsigned int from, unsigned int to)
{
	int old = enter(from), data, error;
	char how[64];

	snprintf(how, sizeof(how), "%s to %s", migration_state_name(from),
		 migration_state_name(to));
	check_in(from, how);
	error = migration_set_try(vf, to, &data);
	if (is_refused(from, to)) {
		if (error != -EINVAL)
			FAIL("%s gives %d, not EINVAL", how, error);
		check_in(from, how);
	} else {
		if (error)
			FAIL("%s is refused: %s", how, strerror(-error));
		if ((data >= 0) != has_data_fd(from, to))
			FAIL("%s comes with data fd %d", how, data);
		check_in(to, how);
	}
	close(data);
	close(old);
}

static void check_arcs_from(unsigned int from)
{
	open_vf();
	for_each_state(to)
		check_arc(from, to);
	check_arc(from, STATE(ERROR));
}

TEST(every_request_from_running)
{
	check_arcs_from(STATE(RUNNING));
}

TEST(every_request_from_running_p2p)
{
	check_arcs_from(STATE(RUNNING_P2P));
}

TEST(every_request_from_stop)
{
	check_arcs_from(STATE(STOP));
}

TEST(every_request_from_stop_copy)
{
	check_arcs_from(STATE(STOP_COPY));
}

TEST(every_request_from_resuming)
{
	check_arcs_from(STATE(RESUMING));
}

TEST_WHEN(migration_has_precopy, every_request_from_pre_copy)
{
	check_arcs_from(STATE(PRE_COPY));
}

TEST_WHEN(migration_has_precopy, every_request_from_pre_copy_p2p)
{
	check_arcs_from(STATE(PRE_COPY_P2P));
}

TEST(a_state_that_does_not_exist_is_refused)
{
	static const unsigned int states[] = { 8, 9, 0x80000000, UINT32_MAX };
	int data;

	open_vf();
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		CHECK_ERR(EINVAL, migration_set_try(vf, states[i], &data));
	CHECK_EQ(migration_state(vf), STATE(STOP));
}

TEST(a_reset_leads_from_every_state_to_running)
{
	open_vf();
	for_each_state(state) {
		int data = enter(state);

		vfio_reset(vf);
		check_in(STATE(RUNNING), migration_state_name(state));
		if (data >= 0)
			close(data);
	}
}

TEST(a_close_leads_from_every_state_to_running)
{
	open_vf();
	for_each_state(state) {
		int data = enter(state);
		char bdf[sizeof(vf->bdf)];

		memcpy(bdf, vf->bdf, sizeof(bdf));
		vfio_close(vf);
		if (data >= 0)
			close(data);
		vf = vfio_open(bdf);
		check_in(STATE(RUNNING), migration_state_name(state));
	}
}

/* Unbinding waits for the client to close, whatever state the device is in. */
TEST(an_unbind_in_every_state_ends_when_the_device_is_closed)
{
	open_vf();
	for_each_state(state) {
		int data = enter(state), mark = kmsg_mark(), status;
		char bdf[sizeof(vf->bdf)];
		pid_t child;

		memcpy(bdf, vf->bdf, sizeof(bdf));
		child = fork();
		if (!child) {
			/* Otherwise the device would stay open in this child. */
			close(data);
			close(vf->fd);
			close(vf->group);
			close(vf->container);
			_exit(pci_unbind_try(bdf) ? 1 : 0);
		}
		CHECK(WAIT_UNTIL(kmsg_count(mark, "vfio.pci .*(waiting for|blocked until)"), 60000));
		CHECK_EQ(waitpid(child, &status, WNOHANG), 0);
		CHECK_EQ(migration_state(vf), state);
		vfio_close(vf);
		close(data);
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK_EQ(status, 0);
		pci_bind(bdf, "mlx5_vfio_pci");
		vf = vfio_open(bdf);
		check_in(STATE(RUNNING), migration_state_name(state));
	}
}

TEST(a_request_with_a_wrong_size_or_direction_is_refused)
{
	struct vfio_device_feature_mig_state set = { .device_state = STATE(STOP) };

	open_vf();
	CHECK_ERR(EINVAL, vfio_feature_try(vf, VFIO_DEVICE_FEATURE_SET |
					   VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &set, 4));
	CHECK_NE(vfio_feature_try(vf, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIGRATION,
				  &set, sizeof(set)), 0);
	CHECK_EQ(vfio_feature_try(vf, VFIO_DEVICE_FEATURE_PROBE | VFIO_DEVICE_FEATURE_SET |
				  VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE,
				  NULL, 0), 0);
	CHECK_EQ(migration_state(vf), STATE(STOP));
}

static void check_attribute(const char *expected)
{
	char *text = pci_attr(vf->bdf, "vfio_pci/migration_state");

	CHECK_STR(text, expected);
	free(text);
}

TEST_OURS(sysfs_tells_the_state)
{
	static const char * const names[] = {
		NULL, "stop", "running", "stop-copy", "resuming", "running-p2p", "pre-copy",
		"pre-copy-p2p",
	};

	open_vf();
	CHECK_EQ(pci_attr_mode(vf->bdf, "vfio_pci/migration_state"), 0444);
	for_each_state(state) {
		close(enter(state));
		check_attribute(names[state]);
	}
	vfio_reset(vf);
	check_attribute("running");
	vfio_close(vf);
	vf = vfio_open(pci_vf(connectx_pf(), 0));
	check_attribute("running");
}
