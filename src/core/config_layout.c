// SPDX-License-Identifier: GPL-2.0-only
/* The layout of configuration space, and its compilation; see config_layout.h. */
#include <linux/bits.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/pci_ids.h>
#include <linux/pci_regs.h>
#include <linux/slab.h>

#include "config_layout.h"

/*
 * One register of the header or of a capability. Bits outside @virt are the
 * hardware's. @clear are virtual bits that read as zero whatever the hardware
 * says.
 */
struct field {
	u16 offset;
	u8 width;
	u8 hook;
	u32 virt;
	u32 write;
	u32 status;
	u32 clear;
};

/* What holds for the bytes of a capability that no field describes. */
enum rest {
	REST_STATIC,	/* constant: read once, at open */
	REST_HARDWARE,	/* hardware's, read-only */
	REST_RAW,	/* hardware's, read and write: the device's own registers */
};

struct capability {
	u16 length;	/* bytes; 0: see standard_length() and extended_length() */
	u8 per_lane;	/* further bytes for each lane of the link */
	u8 rest;
	u8 slot;	/* enum latch_capability + 1, or 0 */
	bool shown;
	u8 nr_fields;
	const struct field *fields;
};

#define FIELDS(table) .fields = (table), .nr_fields = ARRAY_SIZE(table)
#define SLOT(capability) .slot = (capability) + 1

/* Conventional PCI 3.0, 6.2: the type 0 header. BARs are laid out by lay_bars(). */
static const struct field header_fields[] = {
	{
		/*
		 * Decoding and INTx are ours to switch; the user's wish is
		 * kept in the shadow. The others act on the function alone.
		 */
		.offset = PCI_COMMAND, .width = 2, .hook = LATCH_HOOK_COMMAND,
		.virt = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE,
		.write = PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER |
			 PCI_COMMAND_SPECIAL | PCI_COMMAND_INVALIDATE |
			 PCI_COMMAND_VGA_PALETTE | PCI_COMMAND_PARITY | PCI_COMMAND_WAIT |
			 PCI_COMMAND_SERR | PCI_COMMAND_FAST_BACK | PCI_COMMAND_INTX_DISABLE,
		.clear = PCI_COMMAND_INTX_DISABLE,
	}, {
		.offset = PCI_STATUS, .width = 2,
		.virt = PCI_STATUS_CAP_LIST,
		.write = PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |
			 PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT |
			 PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY,
		.status = 0xffff,
	}, {
		.offset = PCI_CACHE_LINE_SIZE, .width = 1, .write = 0xff,
	}, {
		.offset = PCI_LATENCY_TIMER, .width = 1, .write = 0xff,
	}, {
		.offset = PCI_BIST, .width = 1, .virt = 0xff, .clear = 0xff,
	}, {
		.offset = PCI_INTERRUPT_LINE, .width = 1, .virt = 0xff, .write = 0xff,
	},
};

static const struct capability header = {
	.length = PCI_STD_HEADER_SIZEOF, .rest = REST_STATIC, FIELDS(header_fields),
};

/*
 * Intel graphics: registers outside of all capabilities that the host believes,
 * in its firmware, at its next boot or in its own driver. The first are
 * firmware's to set, once: how much memory is stolen and where it is, and how
 * large BAR 2 is. A write of the second asks firmware to act on the host's
 * memory, or tells it where; the user has a copy instead.
 */
static const struct field intel_graphics_fields[] = {
	{ .offset = 0x50, .width = 2 },				/* GGC */
	{ .offset = 0x5c, .width = 4 },				/* BDSM */
	{ .offset = 0x62, .width = 1 },				/* MSAC */
	{ .offset = 0xc0, .width = 4 },				/* BDSM from generation 11 on */
	{ .offset = 0xc4, .width = 4 },
	{ .offset = 0xe0, .width = 4, .virt = ~0U, .write = ~0U },	/* SWSMI */
	{ .offset = 0xe4, .width = 4, .virt = ~0U, .write = ~0U },	/* ASLE */
	{ .offset = 0xe8, .width = 4, .virt = ~0U, .write = ~0U },	/* SWSCI */
	{ .offset = LATCH_INTEL_ASLS, .width = 4, .virt = ~0U, .write = ~0U },
};

/* PCI Power Management 1.2, 3.2. PME never reaches the user's machine. */
static const struct field pm_fields[] = {
	{
		.offset = PCI_PM_PMC, .width = 2,
		.virt = 0xffff, .clear = PCI_PM_CAP_PME_MASK,
	}, {
		.offset = PCI_PM_CTRL, .width = 2, .hook = LATCH_HOOK_PM_CTRL,
		.virt = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS,
		.write = PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_DATA_SEL_MASK,
		.clear = PCI_PM_CTRL_PME_ENABLE | PCI_PM_CTRL_PME_STATUS,
	},
};

/* Conventional PCI 3.0, appendix I: the host serialises every access. */
static const struct field vpd_fields[] = {
	{ .offset = PCI_VPD_ADDR, .width = 2, .hook = LATCH_HOOK_VPD,
	  .virt = 0xffff, .write = 0xffff },
	{ .offset = PCI_VPD_DATA, .width = 4, .virt = ~0U, .write = ~0U },
};

/*
 * Conventional PCI 3.0, 6.8.1. Address and data are the host's, the user has
 * a copy. The layout depends on the flags: fields past the capability's
 * end are dropped, see lay_capability().
 */
#define MSI_FLAGS_FIELD {							\
	.offset = PCI_MSI_FLAGS, .width = 2, .hook = LATCH_HOOK_MSI_FLAGS,	\
	.virt = 0xffff, .write = PCI_MSI_FLAGS_QSIZE | PCI_MSI_FLAGS_ENABLE,	\
}

#define MSI_ADDRESS_FIELD { .offset = PCI_MSI_ADDRESS_LO, .width = 4, .virt = ~0U, .write = ~3U }
#define MSI_DATA_FIELD(at) { .offset = (at), .width = 2, .virt = 0xffff, .write = 0xffff }
#define MSI_MASK_FIELD(at) { .offset = (at), .width = 4, .write = ~0U }
#define MSI_PENDING_FIELD(at) { .offset = (at), .width = 4, .status = ~0U }

static const struct field msi32_fields[] = {
	MSI_FLAGS_FIELD, MSI_ADDRESS_FIELD, MSI_DATA_FIELD(PCI_MSI_DATA_32),
	MSI_MASK_FIELD(PCI_MSI_MASK_32), MSI_PENDING_FIELD(PCI_MSI_PENDING_32),
};

static const struct field msi64_fields[] = {
	MSI_FLAGS_FIELD, MSI_ADDRESS_FIELD,
	{ .offset = PCI_MSI_ADDRESS_HI, .width = 4, .virt = ~0U, .write = ~0U },
	MSI_DATA_FIELD(PCI_MSI_DATA_64),
	MSI_MASK_FIELD(PCI_MSI_MASK_64), MSI_PENDING_FIELD(PCI_MSI_PENDING_64),
};

/* Conventional PCI 3.0, 6.8.2: VFIO_DEVICE_SET_IRQS enables MSI-X. */
static const struct field msix_fields[] = {
	{ .offset = PCI_MSIX_FLAGS, .width = 2 },
};

/*
 * PCIe 6.0, 7.5.3. Payload size concerns others on the path, phantom functions
 * the IOMMU, ARI the bus: no write of a user reaches the hardware's. A reset and
 * the read request size go through the host.
 */
static const struct field exp_fields[] = {
	{
		.offset = PCI_EXP_DEVCTL, .width = 2, .hook = LATCH_HOOK_EXP_DEVCTL,
		.virt = PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ | PCI_EXP_DEVCTL_BCR_FLR,
		.write = PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE |
			 PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN |
			 PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_EXT_TAG |
			 PCI_EXP_DEVCTL_AUX_PME | PCI_EXP_DEVCTL_NOSNOOP_EN |
			 PCI_EXP_DEVCTL_READRQ | PCI_EXP_DEVCTL_BCR_FLR,
		.clear = PCI_EXP_DEVCTL_BCR_FLR,
	}, {
		.offset = PCI_EXP_DEVSTA, .width = 2, .status = 0xffff,
		.write = PCI_EXP_DEVSTA_CED | PCI_EXP_DEVSTA_NFED | PCI_EXP_DEVSTA_FED |
			 PCI_EXP_DEVSTA_URD,
	},
	{ .offset = PCI_EXP_LNKCTL, .width = 2 },
	{ .offset = PCI_EXP_LNKSTA, .width = 2, .status = 0xffff },
	{ .offset = PCI_EXP_SLTCTL, .width = 2 },
	{ .offset = PCI_EXP_SLTSTA, .width = 2, .status = 0xffff },
	{ .offset = PCI_EXP_RTSTA, .width = 4, .status = ~0U },
	{
		.offset = PCI_EXP_DEVCTL2, .width = 2,
		.write = 0xffff & ~PCI_EXP_DEVCTL2_ARI,
	},
	{ .offset = PCI_EXP_DEVSTA2, .width = 2, .status = 0xffff },
	{ .offset = PCI_EXP_LNKCTL2, .width = 2 },
	{ .offset = PCI_EXP_LNKSTA2, .width = 2, .status = 0xffff },
};

/* Advanced Capabilities for Conventional PCI, 3. */
static const struct field af_fields[] = {
	{ .offset = PCI_AF_CTRL, .width = 1, .hook = LATCH_HOOK_AF_CTRL,
	  .virt = 0xff, .write = PCI_AF_CTRL_FLR, .clear = 0xff },
	{ .offset = PCI_AF_STATUS, .width = 1, .status = 0xff },
};

/* PCI-X 2.0, 7.2. */
static const struct field pcix_fields[] = {
	{ .offset = PCI_X_CMD, .width = 2, .write = 0xffff },
	{ .offset = PCI_X_STATUS, .width = 4, .status = ~0U,
	  .write = PCI_X_STATUS_SPL_DISC | PCI_X_STATUS_UNX_SPL | PCI_X_STATUS_SPL_ERR },
};

/* Capabilities of the first 256 bytes that a user sees; all others are hidden. */
static const struct capability standard[PCI_CAP_ID_MAX + 1] = {
	[PCI_CAP_ID_PM] = { .length = PCI_PM_SIZEOF, .rest = REST_HARDWARE, .shown = true,
			    SLOT(LATCH_CAP_PM), FIELDS(pm_fields) },
	[PCI_CAP_ID_AGP] = { .length = 12 },
	[PCI_CAP_ID_VPD] = { .length = PCI_CAP_VPD_SIZEOF, .shown = true,
			     SLOT(LATCH_CAP_VPD), FIELDS(vpd_fields) },
	[PCI_CAP_ID_SLOTID] = { .length = 4 },
	[PCI_CAP_ID_MSI] = { .shown = true, SLOT(LATCH_CAP_MSI) },
	[PCI_CAP_ID_CHSWP] = { .length = 4 },
	[PCI_CAP_ID_PCIX] = { .rest = REST_HARDWARE, .shown = true, FIELDS(pcix_fields) },
	[PCI_CAP_ID_HT] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_CAP_ID_VNDR] = { .rest = REST_RAW, .shown = true },
	[PCI_CAP_ID_DBG] = { .length = 4 },
	[PCI_CAP_ID_CCRC] = { .length = 4 },
	[PCI_CAP_ID_SHPC] = { .length = 8 },
	[PCI_CAP_ID_SSVID] = { .length = 8, .shown = true },
	[PCI_CAP_ID_AGP3] = { .length = 12 },
	[PCI_CAP_ID_EXP] = { .shown = true, SLOT(LATCH_CAP_EXP), FIELDS(exp_fields) },
	[PCI_CAP_ID_MSIX] = { .length = PCI_CAP_MSIX_SIZEOF, .shown = true,
			      SLOT(LATCH_CAP_MSIX), FIELDS(msix_fields) },
	[PCI_CAP_ID_SATA] = { .length = 8, .rest = REST_HARDWARE, .shown = true },
	[PCI_CAP_ID_AF] = { .length = PCI_CAP_AF_SIZEOF, .shown = true,
			    SLOT(LATCH_CAP_AF), FIELDS(af_fields) },
};

/* PCIe 6.0, 7.8.4. */
static const struct field aer_fields[] = {
	{ .offset = PCI_ERR_UNCOR_STATUS, .width = 4, .write = ~0U, .status = ~0U },
	{ .offset = PCI_ERR_UNCOR_MASK, .width = 4, .write = ~0U },
	{ .offset = PCI_ERR_UNCOR_SEVER, .width = 4, .write = ~0U },
	{ .offset = PCI_ERR_COR_STATUS, .width = 4, .write = ~0U, .status = ~0U },
	{ .offset = PCI_ERR_COR_MASK, .width = 4, .write = ~0U },
	{ .offset = PCI_ERR_CAP, .width = 4, .status = 0x1f,
	  .write = PCI_ERR_CAP_ECRC_GENE | PCI_ERR_CAP_ECRC_CHKE },
	{ .offset = PCI_ERR_HEADER_LOG, .width = 4, .status = ~0U },
	{ .offset = PCI_ERR_HEADER_LOG + 4, .width = 4, .status = ~0U },
	{ .offset = PCI_ERR_HEADER_LOG + 8, .width = 4, .status = ~0U },
	{ .offset = PCI_ERR_HEADER_LOG + 12, .width = 4, .status = ~0U },
	{ .offset = PCI_ERR_ROOT_STATUS, .width = 4, .status = ~0U },
};

/* PCIe 6.0, 7.8.1: the selected data register. */
static const struct field power_budget_fields[] = {
	{ .offset = PCI_PWR_DSR, .width = 1, .write = 0xff },
	{ .offset = PCI_PWR_DATA, .width = 4, .status = ~0U },
};

/* Extended capabilities that the headers of older kernels have no name for. */
enum {
	EXT_CAP_ID_LNR = 0x1c,		/* LN Requester */
	EXT_CAP_ID_FRS = 0x21,		/* Function Readiness Status queueing */
	EXT_CAP_ID_RTR = 0x22,		/* Readiness Time Reporting */
	EXT_CAP_ID_VF_REBAR = 0x24,	/* VF Resizable BAR */
	EXT_CAP_ID_LMR = 0x27,		/* Lane Margining at the Receiver */
	EXT_CAP_ID_HIERARCHY = 0x28,	/* Hierarchy ID */
	EXT_CAP_ID_NPEM = 0x29,		/* Native PCIe Enclosure Management */
	EXT_CAP_ID_PL_32GT = 0x2a,	/* Physical Layer 32.0 GT/s */
	EXT_CAP_ID_ALT_PROTOCOL = 0x2b,	/* Alternate Protocol */
	EXT_CAP_ID_SFI = 0x2c,		/* System Firmware Intermediary */
	EXT_CAP_ID_DEV3 = 0x2f,		/* Device 3 */
	EXT_CAP_ID_IDE = 0x30,		/* Integrity and Data Encryption */
	EXT_CAP_ID_PL_64GT = 0x31,	/* Physical Layer 64.0 GT/s */
};

/*
 * PCIe extended capabilities that a user sees; all others are hidden, exactly as far as they reach:
 * what follows them is the device's own. PCIe 6.0, 7.7 to 7.9.
 */
static const struct capability extended[] = {
	[PCI_EXT_CAP_ID_ERR] = { .rest = REST_HARDWARE, .shown = true, FIELDS(aer_fields) },
	[PCI_EXT_CAP_ID_VC] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_DSN] = { .length = PCI_EXT_CAP_DSN_SIZEOF, .shown = true },
	[PCI_EXT_CAP_ID_PWR] = { .length = PCI_EXT_CAP_PWR_SIZEOF, .rest = REST_HARDWARE,
				 .shown = true, FIELDS(power_budget_fields) },
	[PCI_EXT_CAP_ID_MFVC] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_VC9] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_VNDR] = { .rest = REST_RAW, .shown = true },
	[PCI_EXT_CAP_ID_ACS] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_ARI] = { .length = PCI_EXT_CAP_ARI_SIZEOF, .rest = REST_HARDWARE,
				 .shown = true },
	[PCI_EXT_CAP_ID_ATS] = { .length = PCI_EXT_CAP_ATS_SIZEOF, .rest = REST_HARDWARE,
				 .shown = true },
	[PCI_EXT_CAP_ID_SRIOV] = { .length = PCI_EXT_CAP_SRIOV_SIZEOF, .rest = REST_HARDWARE,
				   .shown = true },
	[PCI_EXT_CAP_ID_MCAST] = { .length = PCI_EXT_CAP_MCAST_ENDPOINT_SIZEOF,
				   .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_PRI] = { .length = PCI_EXT_CAP_PRI_SIZEOF, .rest = REST_HARDWARE,
				 .shown = true },
	[PCI_EXT_CAP_ID_REBAR] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_DPA] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_TPH] = { .rest = REST_HARDWARE, .shown = true },
	[PCI_EXT_CAP_ID_LTR] = { .length = PCI_EXT_CAP_LTR_SIZEOF, .rest = REST_HARDWARE,
				 .shown = true },
	[PCI_EXT_CAP_ID_DVSEC] = { .rest = REST_RAW, .shown = true },

	[PCI_EXT_CAP_ID_RCILC] = { .length = 0x0c },
	[PCI_EXT_CAP_ID_RCRB] = { .length = 0x14 },
	[PCI_EXT_CAP_ID_SECPCI] = { .length = 0x0c, .per_lane = 2 },
	[PCI_EXT_CAP_ID_PASID] = { .length = PCI_EXT_CAP_PASID_SIZEOF },
	[EXT_CAP_ID_LNR] = { .length = 0x08 },
	[PCI_EXT_CAP_ID_PTM] = { .length = 0x0c },
	[EXT_CAP_ID_FRS] = { .length = 0x10 },
	[EXT_CAP_ID_RTR] = { .length = 0x0c },
	[PCI_EXT_CAP_ID_DLF] = { .length = 0x0c },
	[PCI_EXT_CAP_ID_PL_16GT] = { .length = PCI_PL_16GT_LE_CTRL, .per_lane = 1 },
	[EXT_CAP_ID_LMR] = { .length = 0x08, .per_lane = 4 },
	[EXT_CAP_ID_HIERARCHY] = { .length = 0x20 },
	[EXT_CAP_ID_NPEM] = { .length = 0x10 },
	[EXT_CAP_ID_PL_32GT] = { .length = 0x20, .per_lane = 1 },
	[EXT_CAP_ID_ALT_PROTOCOL] = { .length = 0x18 },
	[EXT_CAP_ID_SFI] = { .length = 0x14 },
	[PCI_EXT_CAP_ID_DOE] = { .length = 0x18 },
	[EXT_CAP_ID_DEV3] = { .length = 0x10 },
	[EXT_CAP_ID_PL_64GT] = { .length = 0x10, .per_lane = 1 },
};

static const struct capability unknown;

/* A capability in a function's configuration space. */
struct placed {
	const struct capability *layout;
	u16 id;
	u16 offset;
	u16 length;
	u16 next;
};

static u32 read_field(const struct latch_config_source *source, unsigned int offset,
		      unsigned int width)
{
	u32 dword;

	/* A capability at the very end is cut before the register that tells its length. */
	if (offset >= source->size)
		return 0;
	dword = source->read(source->context, offset & ~3U);
	return (dword & latch_config_mask(offset, width)) >> offset % 4 * 8;
}

static unsigned int msi_length(u16 flags)
{
	unsigned int length = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;

	return flags & PCI_MSI_FLAGS_MASKBIT ? length + 10 : length;
}

/*
 * PCIe 6.0, 7.5.3: version 1 ends with the registers that the port type has, version 2 has
 * all of them, those of other port types as zeroes.
 */
static unsigned int exp_length(u16 flags)
{
	if ((flags & PCI_EXP_FLAGS_VERS) > 1)
		return PCI_EXP_SLTSTA2 + 2;
	if ((flags & PCI_EXP_FLAGS_TYPE) >> 4 == PCI_EXP_TYPE_RC_END)
		return PCI_CAP_EXP_RC_ENDPOINT_SIZEOF_V1;
	return PCI_CAP_EXP_ENDPOINT_SIZEOF_V1;
}

/* PCIe 6.0, 7.9.1: control and status of each extended VC, without arbitration tables. */
static unsigned int vc_length(u32 cap1)
{
	return PCI_CAP_VC_BASE_SIZEOF +
	       ((cap1 & PCI_VC_CAP1_EVCC) + 1) * PCI_CAP_VC_PER_VC_SIZEOF;
}

static unsigned int tph_length(u32 cap)
{
	unsigned int entries = ((cap & PCI_TPH_CAP_ST_MASK) >> PCI_TPH_CAP_ST_SHIFT) + 1;
	bool table_here = (cap & PCI_TPH_CAP_LOC_MASK) == PCI_TPH_LOC_CAP;

	return PCI_TPH_BASE_SIZEOF + (table_here ? entries * 2 : 0);
}

/* HyperTransport 3.1, 7: 0 for a type whose length does not follow from its registers. */
static unsigned int ht_length(u16 flags)
{
	switch (flags >> 8 & HT_3BIT_CAP_MASK) {
	case HT_CAPTYPE_SLAVE:
		return HT_CAP_SIZEOF_LONG;
	case HT_CAPTYPE_HOST:
		return HT_CAP_SIZEOF_SHORT;
	}
	switch (flags >> 8 & HT_5BIT_CAP_MASK) {
	case HT_CAPTYPE_IRQ:
		return 8;
	case HT_CAPTYPE_UNITID_CLUMP:
	case HT_CAPTYPE_ERROR_RETRY:
		return 12;
	case HT_CAPTYPE_MSI_MAPPING:
		return flags & HT_MSI_FLAGS_FIXED ? 4 : 12;
	default:
		return 0;
	}
}

/* PCIe 6.0, 7.8.5: the size of an entry is in it. Entries beyond @room are not looked at. */
static unsigned int ea_length(const struct latch_config_source *source, unsigned int offset,
			      unsigned int room)
{
	unsigned int entries = read_field(source, offset + PCI_EA_NUM_ENT, 1) &
			       PCI_EA_NUM_ENT_MASK;
	unsigned int length = PCI_EA_FIRST_ENT;

	for (; entries && length < room; entries--)
		length += ((read_field(source, offset + length, 4) & PCI_EA_ES) + 1) * 4;
	return entries ? room + 1 : length;
}

static unsigned int standard_length(const struct latch_config_source *source, unsigned int id,
				    unsigned int offset, unsigned int room)
{
	switch (id) {
	case PCI_CAP_ID_PCIX:
		return PCI_X_CMD_VERSION(read_field(source, offset + PCI_X_CMD, 2)) ?
		       PCI_CAP_PCIX_SIZEOF_V2 : PCI_CAP_PCIX_SIZEOF_V0;
	case PCI_CAP_ID_HT:
		return ht_length(read_field(source, offset + PCI_CAP_FLAGS, 2));
	case PCI_CAP_ID_EA:
		return ea_length(source, offset, room);
	case PCI_CAP_ID_MSI:
		return msi_length(read_field(source, offset + PCI_MSI_FLAGS, 2));
	case PCI_CAP_ID_EXP:
		return exp_length(read_field(source, offset + PCI_EXP_FLAGS, 2));
	case PCI_CAP_ID_VNDR:
		return read_field(source, offset + PCI_CAP_FLAGS, 1);
	default:
		return 0;
	}
}

static unsigned int dpc_length(u16 cap)
{
	if (!(cap & PCI_EXP_DPC_CAP_RP_EXT))
		return PCI_EXP_DPC_RP_PIO_STATUS;
	return PCI_EXP_DPC_RP_PIO_HEADER_LOG + ((cap & PCI_EXP_DPC_RP_PIO_LOG_SIZE) >> 8) * 4;
}

/*
 * PCIe 6.0, 7.9.26: a block for each traffic class of the link's stream, then one for each
 * selective stream, with as many address associations as it says. Streams beyond @room are not
 * looked at.
 */
static unsigned int ide_length(const struct latch_config_source *source, unsigned int offset,
			       unsigned int room)
{
	u32 cap = read_field(source, offset + 4, 4);
	unsigned int length = 12;
	unsigned int streams;

	if (cap & BIT(0))
		length += ((cap >> 13 & 7) + 1) * 8;
	if (!(cap & BIT(1)))
		return length;
	for (streams = (cap >> 16 & 0xff) + 1; streams && length < room; streams--)
		length += 20 + (read_field(source, offset + length, 4) & 0xf) * 12;
	return streams ? room + 1 : length;
}

static unsigned int extended_length(const struct latch_config_source *source, unsigned int id,
				    unsigned int offset, unsigned int room)
{
	switch (id) {
	case PCI_EXT_CAP_ID_RCLD:
		return 0x10 + read_field(source, offset + 5, 1) * 0x10;
	case PCI_EXT_CAP_ID_RCEC:
		return PCI_EXT_CAP_VER(read_field(source, offset, 4)) > 1 ? 0x0c : 0x08;
	case PCI_EXT_CAP_ID_PMUX:
		return 0x10 + (read_field(source, offset + 4, 1) & 0x3f) * 4;
	case PCI_EXT_CAP_ID_DPC:
		return dpc_length(read_field(source, offset + PCI_EXP_DPC_CAP, 2));
	case PCI_EXT_CAP_ID_L1SS:
		return PCI_EXT_CAP_VER(read_field(source, offset, 4)) > 1 ? 0x14 : 0x10;
	case EXT_CAP_ID_IDE:
		return ide_length(source, offset, room);
	case PCI_EXT_CAP_ID_ERR:
		return PCI_ERR_ROOT_ERR_SRC + 4;
	case PCI_EXT_CAP_ID_VC:
	case PCI_EXT_CAP_ID_MFVC:
	case PCI_EXT_CAP_ID_VC9:
		return vc_length(read_field(source, offset + PCI_VC_PORT_CAP1, 4));
	case PCI_EXT_CAP_ID_VNDR:
		return read_field(source, offset + PCI_VNDR_HEADER, 4) >> 20;
	case PCI_EXT_CAP_ID_DVSEC:
		return read_field(source, offset + PCI_DVSEC_HEADER1, 4) >> 20;
	case PCI_EXT_CAP_ID_ACS:
		return 8 + (read_field(source, offset + PCI_ACS_CAP, 1) & PCI_ACS_EC ?
			    DIV_ROUND_UP(read_field(source, offset + PCI_ACS_EGRESS_BITS, 1) ?: 256,
					 32) * 4 : 0);
	case PCI_EXT_CAP_ID_REBAR:
	case EXT_CAP_ID_VF_REBAR:
		return 4 + 8 * ((read_field(source, offset + PCI_REBAR_CTRL, 4) &
				 PCI_REBAR_CTRL_NBAR_MASK) >> PCI_REBAR_CTRL_NBAR_SHIFT);
	case PCI_EXT_CAP_ID_DPA:
		return PCI_DPA_BASE_SIZEOF + 1 +
		       (read_field(source, offset + PCI_DPA_CAP, 4) & PCI_DPA_CAP_SUBSTATE_MASK);
	case PCI_EXT_CAP_ID_TPH:
		return tph_length(read_field(source, offset + PCI_TPH_CAP, 4));
	default:
		return 0;
	}
}

static void lay_field(struct latch_config *config, unsigned int base, const struct field *field)
{
	unsigned int offset = base + field->offset;
	struct latch_dword *dword = latch_config_dword(config, offset);
	u32 mask = latch_config_mask(offset, field->width);
	unsigned int shift = offset % 4 * 8;

	dword->virt = (dword->virt & ~mask) | field->virt << shift;
	dword->write = (dword->write & ~mask) | field->write << shift;
	dword->status = (dword->status & ~mask) | field->status << shift;
	dword->shadow &= ~(field->clear << shift);
	if (field->hook)
		dword->hook = field->hook;
}

static void lay_rest(struct latch_config *config, const struct latch_config_source *source,
		     const struct placed *cap)
{
	unsigned int at;

	for (at = cap->offset; at < cap->offset + cap->length; at++) {
		struct latch_dword *dword = latch_config_dword(config, at);
		u32 mask = latch_config_mask(at, 1);

		/* The device's own registers are not read unasked, only their header. */
		if (cap->layout->rest == REST_RAW && at >= cap->offset + 4)
			continue;
		if (!(at % 4) || at == cap->offset)
			dword->shadow = source->read(source->context, at & ~3U);
		dword->described |= BIT(at % 4);
		if (cap->layout->rest != REST_RAW)
			dword->write &= ~mask;
		if (cap->layout->rest == REST_STATIC)
			dword->virt |= mask;
	}
}

static void lay_capability(struct latch_config *config, const struct latch_config_source *source,
			   const struct placed *cap)
{
	const struct field *fields = cap->layout->fields;
	unsigned int nr_fields = cap->layout->nr_fields;
	unsigned int n;

	if (!fields && cap->layout->slot == LATCH_CAP_MSI + 1) {
		bool is_64bit = read_field(source, cap->offset + PCI_MSI_FLAGS, 2) &
				PCI_MSI_FLAGS_64BIT;

		fields = is_64bit ? msi64_fields : msi32_fields;
		nr_fields = is_64bit ? ARRAY_SIZE(msi64_fields) : ARRAY_SIZE(msi32_fields);
	}

	lay_rest(config, source, cap);
	for (n = 0; n < nr_fields; n++)
		if (fields[n].offset + fields[n].width <= cap->length)
			lay_field(config, cap->offset, &fields[n]);
	if (cap->layout->slot)
		config->cap[cap->layout->slot - 1] = cap->offset;
}

/*
 * The @known bytes of a hidden capability read as zero. If its end is unknown, the bytes up to the
 * next capability may be its own or the device's. A driver may need them: they read as the hardware
 * has them. The host may rely on them: writes are dropped.
 */
static void lay_hidden(struct latch_config *config, const struct placed *cap, unsigned int known)
{
	unsigned int at;

	for (at = cap->offset; at < cap->offset + cap->length; at++) {
		struct latch_dword *dword = latch_config_dword(config, at);
		u32 mask = latch_config_mask(at, 1);

		dword->write &= ~mask;
		if (at >= cap->offset + known)
			continue;
		dword->virt |= mask;
		dword->shadow &= ~mask;
	}
}

static void lay_bars(struct latch_config *config, const struct latch_config_source *source)
{
	unsigned int n;

	for (n = 0; n < LATCH_NR_BARS; n++) {
		unsigned int offset = n == LATCH_BAR_ROM ? PCI_ROM_ADDRESS :
						    PCI_BASE_ADDRESS_0 + n * 4;
		struct latch_dword *dword = latch_config_dword(config, offset);
		u64 mask = source->bar[n] ? ~(source->bar[n] - 1) : 0;
		u32 flags = source->bar_flags[n];

		dword->write = mask;
		if (n == LATCH_BAR_ROM && mask)
			dword->write |= PCI_ROM_ADDRESS_ENABLE;
		dword->shadow = (dword->shadow & (u32)mask) | flags;

		if (n < 5 && flags & PCI_BASE_ADDRESS_MEM_TYPE_64 &&
		    !(flags & PCI_BASE_ADDRESS_SPACE_IO)) {
			n++;
			dword++;
			dword->write = mask >> 32;
			dword->shadow &= dword->write;
		}
	}
}

static void lay_header(struct latch_config *config, const struct latch_config_source *source)
{
	static const struct placed whole = { .layout = &header, .length = PCI_STD_HEADER_SIZEOF };

	lay_capability(config, source, &whole);
	lay_bars(config, source);
	latch_shadow_set(config, PCI_VENDOR_ID, 2, source->vendor);
	latch_shadow_set(config, PCI_DEVICE_ID, 2, source->device);
	if (source->no_command_memory)
		latch_config_dword(config, PCI_COMMAND)->shadow |= PCI_COMMAND_MEMORY;
	if (source->hide_intx)
		latch_shadow_set(config, PCI_INTERRUPT_PIN, 1, 0);
}

/* The device's own registers that the host uses, too; capabilities overwrite these. */
static void lay_vendor(struct latch_config *config, const struct latch_config_source *source)
{
	const struct field *field = intel_graphics_fields;
	const struct field *end = field + ARRAY_SIZE(intel_graphics_fields);

	if (source->vendor != PCI_VENDOR_ID_INTEL || source->base_class != PCI_BASE_CLASS_DISPLAY ||
	    source->size < PCI_CFG_SPACE_SIZE)
		return;
	for (; field < end; field++) {
		if (field->virt)
			latch_config_dword(config, field->offset)->shadow =
				source->read(source->context, field->offset);
		lay_field(config, 0, field);
	}
}

/* Where the next capability starts: a longer one, or one of unknown length, ends there. */
static unsigned int next_start(const struct placed *caps, unsigned int nr, unsigned int offset,
			       unsigned int end)
{
	unsigned int n;

	for (n = 0; n < nr; n++)
		if (caps[n].offset > offset && caps[n].offset < end)
			end = caps[n].offset;
	return end;
}

/* How the two lists of capabilities differ. */
struct list_format {
	unsigned int end;
	unsigned int (*length)(const struct latch_config_source *source, unsigned int id,
			       unsigned int offset, unsigned int room);
	void (*link)(struct latch_config *config, unsigned int from, unsigned int to);
};

static void link_standard(struct latch_config *config, unsigned int from, unsigned int to)
{
	latch_shadow_set(config, from ? from + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST, 1, to);
}

/* The extended list has no pointer to its head: a hidden first one becomes a null capability. */
static void link_extended(struct latch_config *config, unsigned int from, unsigned int to)
{
	unsigned int at = from ?: PCI_CFG_SPACE_SIZE;

	if (at != to)
		latch_shadow_set(config, at + 2, 2,
				 (latch_shadow_get(config, at + 2, 2) & 0xf) | to << 4);
}

/*
 * Hooks find a capability through its slot and rely on its registers. A second one of the
 * kind, or one without room for them, is a fault of the device, and hidden.
 */
static bool is_usable(const struct latch_config *config, const struct placed *cap,
		      unsigned int length)
{
	unsigned int least = cap->id == PCI_CAP_ID_EXP ? PCI_EXP_LNKCAP : length;

	return !cap->layout->slot ||
	       (!config->cap[cap->layout->slot - 1] && cap->length >= least);
}

/* Entries of @size bytes for each lane: as many as the link is wide, 32 at most. */
static unsigned int lanes_length(const struct latch_config *config,
				 const struct latch_config_source *source, unsigned int size)
{
	unsigned int exp = config->cap[LATCH_CAP_EXP];
	unsigned int lanes = 0;

	if (exp)
		lanes = (read_field(source, exp + PCI_EXP_LNKCAP, 4) & PCI_EXP_LNKCAP_MLW) >> 4;
	if (!lanes || lanes > 32)
		lanes = 32;
	return (lanes * size + 3) & ~3U;
}

/* 0 if it is unknown. */
static unsigned int length_of(const struct latch_config *config,
			      const struct latch_config_source *source, const struct placed *cap,
			      const struct list_format *format, unsigned int room)
{
	const struct capability *layout = cap->layout;

	if (!layout->length)
		return format->length(source, cap->id, cap->offset, room);
	if (!layout->per_lane)
		return layout->length;
	return layout->length + lanes_length(config, source, layout->per_lane);
}

/* Lays out a list of capabilities and links those that are shown. */
static void lay_list(struct latch_config *config, const struct latch_config_source *source,
		     struct placed *caps, unsigned int nr, const struct list_format *format)
{
	unsigned int previous = 0;
	unsigned int n;

	for (n = 0; n < nr; n++) {
		struct placed *cap = &caps[n];
		unsigned int end = min(format->end, config->size);
		unsigned int room = next_start(caps, nr, cap->offset, end) - cap->offset;
		unsigned int length = length_of(config, source, cap, format, room);

		cap->length = length ? min(length, room) : room;
		if (!cap->layout->shown || !is_usable(config, cap, length)) {
			lay_hidden(config, cap, length ?: PCI_CAP_SIZEOF);
			continue;
		}
		lay_capability(config, source, cap);
		/* The bytes of the list itself: constant, except the link. */
		lay_field(config, cap->offset, &(const struct field){
			.width = format->end > PCI_CFG_SPACE_SIZE ? 4 : 2,
			.virt = format->end > PCI_CFG_SPACE_SIZE ? ~0U : 0xffff,
		});
		format->link(config, previous, cap->offset);
		previous = cap->offset;
	}
	format->link(config, previous, 0);
}

static bool already_placed(const struct placed *caps, unsigned int nr, unsigned int offset)
{
	while (nr--)
		if (caps[nr].offset == offset)
			return true;
	return false;
}

/* A list that links in circles or into the header ends there. */
static void lay_standard(struct latch_config *config, const struct latch_config_source *source)
{
	static const struct list_format format = {
		.end = PCI_CFG_SPACE_SIZE, .length = standard_length, .link = link_standard,
	};
	struct placed caps[(PCI_CFG_SPACE_SIZE - PCI_STD_HEADER_SIZEOF) / 4];
	unsigned int nr = 0;
	unsigned int offset = 0;

	if (read_field(source, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST)
		offset = read_field(source, PCI_CAPABILITY_LIST, 1) & ~3U;

	while (offset >= PCI_STD_HEADER_SIZEOF && offset < source->size &&
	       nr < ARRAY_SIZE(caps) && !already_placed(caps, nr, offset)) {
		u8 id = read_field(source, offset + PCI_CAP_LIST_ID, 1);

		if (id == 0xff)
			break;
		caps[nr++] = (struct placed){
			.layout = id <= PCI_CAP_ID_MAX ? &standard[id] : &unknown,
			.id = id,
			.offset = offset,
		};
		offset = read_field(source, offset + PCI_CAP_LIST_NEXT, 1) & ~3U;
	}
	lay_list(config, source, caps, nr, &format);
}

static int lay_extended(struct latch_config *config, const struct latch_config_source *source)
{
	static const struct list_format format = {
		.end = PCI_CFG_SPACE_EXP_SIZE, .length = extended_length, .link = link_extended,
	};
	const unsigned int max = (PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8;
	unsigned int offset = PCI_CFG_SPACE_SIZE;
	struct placed *caps;
	unsigned int nr = 0;

	caps = kcalloc(max, sizeof(*caps), GFP_KERNEL);
	if (!caps)
		return -ENOMEM;
	while (offset >= PCI_CFG_SPACE_SIZE && offset < source->size && nr < max &&
	       !already_placed(caps, nr, offset)) {
		u32 head = source->read(source->context, offset);
		unsigned int id = PCI_EXT_CAP_ID(head);

		if (!head || head == ~0U)
			break;
		caps[nr++] = (struct placed){
			.layout = id < ARRAY_SIZE(extended) ? &extended[id] : &unknown,
			.id = id,
			.offset = offset,
		};
		offset = PCI_EXT_CAP_NEXT(head);
	}
	if (nr)
		lay_list(config, source, caps, nr, &format);
	kfree(caps);
	return 0;
}

/**
 * latch_config_compile - compile the layout of a function's configuration space
 * @source: the function; it must answer configuration reads
 *
 * Context: may sleep; calls @source->read.
 * Return: the compiled layout, for latch_config_free(), or ERR_PTR(-ENOMEM).
 */
struct latch_config *latch_config_compile(const struct latch_config_source *source)
{
	struct latch_config *config;
	unsigned int n;

	config = kvzalloc(struct_size(config, dword, source->size / 4), GFP_KERNEL_ACCOUNT);
	if (!config)
		return ERR_PTR(-ENOMEM);
	config->size = source->size;

	/* Registers that no capability claims are the device's own. */
	for (n = 0; n < source->size / 4; n++)
		config->dword[n].write = ~0U;

	lay_header(config, source);
	lay_vendor(config, source);
	lay_standard(config, source);
	if (source->size > PCI_CFG_SPACE_SIZE && lay_extended(config, source)) {
		latch_config_free(config);
		return ERR_PTR(-ENOMEM);
	}
	return config;
}

/**
 * latch_config_free - free a compiled layout
 * @config: what latch_config_compile() returned, or NULL
 */
void latch_config_free(struct latch_config *config)
{
	kvfree(config);
}
