// SPDX-License-Identifier: GPL-2.0-only
#include "peer.h"

#include <fcntl.h>
#include <sys/ioctl.h>

int feature_try(struct vfio_device *device, uint32_t flags, const void *data, size_t size)
{
	struct vfio_device_feature *argument = calloc(1, sizeof(*argument) + size);
	int ret;

	argument->argsz = sizeof(*argument) + size;
	argument->flags = flags;
	memcpy(argument->data, data, size);
	ret = ioctl(device->fd, VFIO_DEVICE_FEATURE, argument);
	if (ret < 0)
		ret = -errno;
	free(argument);
	return ret;
}

int buffer_try(struct vfio_device *device, const struct dma_buf_request *request)
{
	return feature_try(device, VFIO_DEVICE_FEATURE_DMA_BUF | VFIO_DEVICE_FEATURE_GET, request,
			   offsetof(struct dma_buf_request, ranges[8]));
}

int buffer_of(struct vfio_device *device, uint64_t offset, uint64_t length)
{
	struct dma_buf_request request = {
		.open_flags = O_RDWR | O_CLOEXEC,
		.nr_ranges = 1,
		.ranges = { { offset, length } },
	};

	return CHECK_OK(buffer_try(device, &request));
}

int memory_buffer(struct vfio_device *device)
{
	return buffer_of(device, WITNESS_MEMORY, PAGE);
}

static volatile uint32_t *engine(void)
{
	const char *bdf = vm_bdf("witness1");

	pci_attr_set(bdf, "enable", "1");
	return pci_map_bar(bdf, 0, 0, PAGE);
}

/* What the last test has left goes on as soon as the function may master the bus. */
void stop_dma(void)
{
	engine()[WITNESS_DMA_PERIOD / 4] = 0;
}

int attach_try(int buffer, uint32_t flags)
{
	struct importer_attach request = { .fd = buffer, .flags = flags };
	unsigned int device, function, bus;
	int importer, ret;

	CHECK_EQ(sscanf(vm_bdf("witness1"), "%x:%x:%x.%x", &request.domain, &bus, &device,
			&function), 4);
	request.bus = bus;
	request.devfn = device << 3 | function;
	importer = CHECK_OK(open("/dev/importer", O_RDWR | O_CLOEXEC));
	if (!ioctl(importer, IMPORTER_ATTACH, &request))
		return importer;
	ret = -errno;
	close(importer);
	return ret;
}

int attach(int buffer, uint32_t flags)
{
	return CHECK_OK(attach_try(buffer, flags));
}

int map_try(int importer)
{
	return ioctl(importer, IMPORTER_MAP) ? -errno : 0;
}

struct importer_state importer_state(int importer)
{
	struct importer_state state;

	CHECK_OK(ioctl(importer, IMPORTER_STATE, &state));
	return state;
}

void start_dma(int importer)
{
	volatile uint32_t *registers = engine();
	uint64_t address;

	stop_dma();
	CHECK_EQ(map_try(importer), 0);
	address = importer_state(importer).address;
	registers[WITNESS_DMA_ADDRESS / 4] = address;
	registers[WITNESS_DMA_ADDRESS / 4 + 1] = address >> 32;
	registers[WITNESS_DMA_PERIOD / 4] = 1;
}

static uint32_t written(struct vfio_device *device)
{
	return vfio_read(device, 0, WITNESS_MEMORY, 4);
}

bool writing_goes_on(struct vfio_device *device)
{
	uint32_t before = written(device);

	return WAIT_UNTIL(written(device) != before, 20000);
}
