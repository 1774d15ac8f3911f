// SPDX-License-Identifier: GPL-2.0-only
/* What a client may hold, and how long: tokens, dma-bufs, further files of the device. */
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fuzz.h"
#include "vmtest.h"

#define NR_BUFFERS	4

static __thread int buffers[NR_BUFFERS];
static __thread unsigned int nr_buffers;
static int second = -1;

const uint8_t fuzz_token[16] = {
	0x2a, 0xb7, 0x49, 0x24, 0xc3, 0x35, 0x45, 0xf4, 0x9b, 0x16, 0x85, 0x69, 0xe5, 0xb0, 0x82, 0x58,
};

void call_token(void)
{
	struct {
		struct vfio_device_feature header;
		uint8_t uuid[16];
	} feature = {
		.header.argsz = pick_argsz(sizeof(feature)),
		.header.flags = VFIO_DEVICE_FEATURE_PCI_VF_TOKEN |
			RANDOM_OF(VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_SET,
				  VFIO_DEVICE_FEATURE_SET, VFIO_DEVICE_FEATURE_GET,
				  VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PROBE),
	};

	memcpy(feature.uuid, fuzz_token, sizeof(fuzz_token));
	feature.uuid[15] += random_below(2);
	call_is("token %#x %x", feature.header.flags, feature.uuid[15]);
	call_gives(ioctl(session.fd, VFIO_DEVICE_FEATURE, &feature));
}

void call_dma_buf_held(void)
{
	const struct subject *subject = session.subject;
	struct dma_buf_feature feature = {
		.header.argsz = sizeof(feature),
		.header.flags = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_DMA_BUF,
		.request.open_flags = O_RDWR | O_CLOEXEC,
		.request.nr_ranges = 1,
		.request.ranges[0].length = 4096,
	};
	unsigned int n = random_below(NR_BUFFERS);
	int buffer;

	if (random_chance(30) && n < nr_buffers) {
		call_is("close dma-buf %u", n);
		call_gives(close(buffers[n]));
		buffers[n] = buffers[--nr_buffers];
		return;
	}
	while (feature.request.region < 5 && subject->bar_size[feature.request.region] < 4096)
		feature.request.region++;
	call_is("dma-buf of region %u", feature.request.region);
	buffer = ioctl(session.fd, VFIO_DEVICE_FEATURE, &feature);
	call_gives(buffer < 0 ? buffer : 0);
	if (buffer < 0)
		return;
	if (nr_buffers < NR_BUFFERS)
		buffers[nr_buffers++] = buffer;
	else
		close(buffer);
}

static void pick_words(char *words, size_t size)
{
	const char *bdf = session.subject->bdf;

	switch (random_below(10)) {
	case 0:
		snprintf(words, size, "%s vf_token=" TOKEN, bdf);
		break;
	case 1:
		snprintf(words, size, "%s vf_token=" OTHER_TOKEN, bdf);
		break;
	case 2:
		snprintf(words, size, "%s vf_token=%x", bdf, (unsigned int)random_bits());
		break;
	case 3:
		snprintf(words, size, "%s  vf_token=" TOKEN " vf_token=" TOKEN, bdf);
		break;
	case 4:
		snprintf(words, size, "%s %c=%x", bdf, 'a' + (int)random_below(26),
			 (unsigned int)random_bits());
		break;
	case 5:
		snprintf(words, size, "%.*s", (int)random_below(12), bdf);
		break;
	default:
		snprintf(words, size, "%s", session.subject->words);
	}
}

void call_open_again(void)
{
	char words[160];

	if (second >= 0) {
		call_is("close the second");
		if (random_chance(50)) {
			int first = session.fd;

			session.fd = second;
			second = first;
		}
		call_gives(close(second));
		second = -1;
		return;
	}
	pick_words(words, sizeof(words));
	call_is("open \"%s\"", words);
	second = ioctl(session.group, VFIO_GROUP_GET_DEVICE_FD, words);
	call_gives(second < 0 ? -1 : 0);
}

/* Without another file and without mappings the device is closed meanwhile. */
void call_reopen(void)
{
	char words[160];

	held_close();
	for (unsigned int n = 0; n < NR_MAPPINGS; n++) {
		if (session.mappings[n].memory && random_chance(90)) {
			munmap(session.mappings[n].memory, session.mappings[n].size);
			session.mappings[n].memory = NULL;
		}
	}
	call_is("close");
	call_gives(close(session.fd));
	pick_words(words, sizeof(words));
	call_is("open \"%s\"", words);
	session.fd = ioctl(session.group, VFIO_GROUP_GET_DEVICE_FD, words);
	call_gives(session.fd < 0 ? -1 : 0);
	if (session.fd >= 0)
		return;
	call_is("open \"%s\"", session.subject->words);
	session.fd = ioctl(session.group, VFIO_GROUP_GET_DEVICE_FD, session.subject->words);
	call_gives(session.fd < 0 ? -1 : 0);
	if (session.fd < 0)
		FAIL("%s cannot be opened again: %m", session.subject->words);
}

void held_close(void)
{
	while (nr_buffers)
		close(buffers[--nr_buffers]);
	if (second >= 0)
		close(second);
	second = -1;
}
