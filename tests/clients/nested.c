// SPDX-License-Identifier: GPL-2.0-only
/*
 * QEMU from Debian's package as the client: a machine inside the machine, with a function passed
 * through to it. Its firmware and what that boots are the drivers then.
 *
 * vm-machine: clients
 * vm-drivers: ours kernel
 * vm-modules: virtio_pci 9pnet_virtio 9p
 * vm-seconds: 400
 * vm-timeout: 420
 */
#include "disk.h"
#include "vmtest.h"

#define SECTOR 512
/* Milliseconds for an emulated machine in an emulated machine to come up and do its work. */
#define BOOT_MS 200000
/* What the boot sector leaves with: isa-debug-exit makes 2 * 0x21 + 1 of it. */
#define DONE_STATUS 0x43

/*
 * A boot sector that reads sector 1 of the disk it came from, inverts it, writes it to sector 2,
 * and leaves. All through the firmware, whose NVMe driver has to move the data.
 */
extern const unsigned char boot_sector[SECTOR];
asm(".pushsection .rodata\n"
	".code16\n"
	".global boot_sector\n"
	"boot_sector:\n"
	"	cli\n"
	"	xorw %ax, %ax\n"
	"	movw %ax, %ds\n"
	"	movw %ax, %es\n"
	"	movw %ax, %ss\n"
	"	movw $0x7c00, %sp\n"
	"	sti\n"
	"	movw $(packet - boot_sector + 0x7c00), %si\n"
	"	movb $0x42, %ah\n"			/* extended read */
	"	int $0x13\n"
	"	jc 2f\n"
	"	movw $0x8000, %di\n"
	"	movw $512, %cx\n"
	"1:	notb (%di)\n"
	"	incw %di\n"
	"	loop 1b\n"
	"	movw $(packet - boot_sector + 0x7c00), %si\n"
	"	movb $2, 8(%si)\n"
	"	movw $0x4300, %ax\n"			/* extended write */
	"	int $0x13\n"
	"	jc 2f\n"
	"	movb $0x21, %al\n"
	"	jmp 3f\n"
	"2:	movb $0x31, %al\n"
	"3:	outb %al, $0xf4\n"			/* isa-debug-exit */
	"4:	hlt\n"
	"	jmp 4b\n"
    /* size, sectors, where to, and from which sector */
	"packet:	.byte 16, 0, 1, 0\n"
	"	.word 0x8000, 0\n"
	"	.quad 1\n"
	"	.org boot_sector + 510\n"
	"	.byte 0x55, 0xaa\n"
	".code64\n"
	".popsection");

static struct client *machine(const char *bdf, const char *options)
{
	return client_start("exec qemu-system-x86_64 -accel tcg -M q35,graphics=off -m 64"
			    " -nodefaults -no-user-config -display none -no-reboot"
			    " -device isa-debug-exit,iobase=0xf4,iosize=1 -serial stdio"
			    " -device vfio-pci,host=%s,bootindex=0 %s", bdf, options);
}

static void write_disk(const char *bdf, const unsigned char *data)
{
	FILE *file = fopen("/tmp/sectors", "w");

	CHECK(file);
	CHECK_EQ(fwrite(boot_sector, 1, SECTOR, file), SECTOR);
	CHECK_EQ(fwrite(data, 1, SECTOR, file), SECTOR);
	CHECK_EQ(fclose(file), 0);
	give_disk_to_client(bdf);
	client_run("qemu-io -f raw -c 'write -s /tmp/sectors 0 1024' -c 'write -P 0 1024 64k'"
		   " -c flush nvme://%s/1", bdf);
}

TEST(nested_firmware_boots_from_a_disk_and_writes_to_it)
{
	unsigned char data[SECTOR];
	const char *bdf = vm_bdf("nvme0");
	struct client *client;
	FILE *file;

	driver_load(NULL);
	for (int i = 0; i < SECTOR; i++)
		data[i] = i * 7 + i / 256;
	write_disk(bdf, data);
	for (int round = 0; round < 2; round++) {
		client = machine(bdf, "");
		CHECK_EQ(client_wait(client, BOOT_MS), DONE_STATUS);
	}
	for (int i = 0; i < SECTOR; i++)
		data[i] = ~data[i];
	file = fopen("/tmp/expected", "w");
	CHECK(file);
	CHECK_EQ(fwrite(data, 1, SECTOR, file), SECTOR);
	CHECK_EQ(fclose(file), 0);
	CHECK_STR(vm_disk_digest("disk0", 2 * SECTOR, SECTOR), file_digest("/tmp/expected"));
}

/* The NIC's own expansion ROM holds iPXE: it is read, run, and asks for an address. */
TEST(nested_firmware_runs_the_nics_rom_which_gets_an_address)
{
	const char *bdf = vm_bdf("nic2");
	struct client *client;

	driver_load(NULL);
	pci_bind(bdf, VFIO_PCI);
	client = machine(bdf, "");
	free(client_expect(client, "iPXE", BOOT_MS));
	free(client_expect(client, "net0: 52:54:00:12:34:03", BOOT_MS));
	free(client_expect(client, "net0: 10\\.0\\.2\\.15/255\\.255\\.255\\.0", BOOT_MS));
	client_signal(client, SIGTERM);
	CHECK_EQ(client_wait(client, BOOT_MS), 0);
}
