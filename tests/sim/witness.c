// SPDX-License-Identifier: GPL-2.0-only
/*
 * The witness as a PCI function: configuration space, resets, power states, VFs.
 */
#include "witness.h"
#include "hw/pci/msi.h"
#include "hw/pci/msix.h"
#include "hw/pci/pci_bridge.h"
#include "hw/pci/pci_bus.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"

#define ID_VENDOR		0x1234
#define ID_DEVICE		0x7717
#define ID_VF			0x7718

/* A PF may have a neighbour at .1. */
#define VF_OFFSET		2
#define VF_STRIDE		1
#define ID_CLASS		0x00ff

#define CAP_PM			0x40
#define CAP_VPD			0x48
#define CAP_MSI			0x50
#define CAP_MSIX		0x70
#define CAP_PCIE		0x80
#define CAP_AF			0xc0
#define EXT_AER			0x100
#define EXT_ARI			0x150
#define EXT_SRIOV		0x180
#define EXT_DLF			0x200
#define EXT_UNKNOWN		0x280
#define EXT_PASID		0x2c0
#define MSI_VECTORS		4
#define MSIX_VECTORS		8

#define VPD_SIZE		8
#define VPD_FLAG		0x8000

/* The time that the specification has everybody wait. */
#define AFTER_RESET		(100 * SCALE_MS)
#define AFTER_TRANSITION	(10 * SCALE_MS)

static const uint8_t vpd[16] = {
	0x82, 7, 0, 'w', 'i', 't', 'n', 'e', 's', 's', 0x78,
};

int64_t witness_now(void)
{
	return qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
}

static void forbid(struct witness *witness, int64_t wait)
{
	witness->began = witness_now();
	witness->began_for_guest = guest_clock();
	witness->wait = wait;
}

static int64_t waited_by_guest(const struct witness *witness)
{
	int64_t now = guest_clock();

	return now && witness->began_for_guest ? now - witness->began_for_guest : 0;
}

/*
 * Clocks are not exact, so only the first quarter counts; and an access does not if the guest's
 * clock says that the time is over.
 */
bool witness_is_forbidden(const struct witness *witness)
{
	return witness_now() - witness->began < witness->wait / 4 &&
	       waited_by_guest(witness) < witness->wait;
}

bool witness_is_absent(const struct witness *witness)
{
	return witness_now() < witness->absent_until;
}

unsigned int witness_power_state(struct witness *witness)
{
	return pci_get_word(witness->parent_obj.config + CAP_PM + PCI_PM_CTRL) &
	       PCI_PM_CTRL_STATE_MASK;
}

static PCIDevice *upstream(PCIDevice *pci)
{
	PCIBus *bus = pci_get_bus(pci);

	return pci_bus_is_root(bus) ? NULL : bus->parent_dev;
}

static bool is_bus_reset(PCIDevice *pci)
{
	while ((pci = upstream(pci)))
		if (pci_get_word(pci->config + PCI_BRIDGE_CONTROL) & PCI_BRIDGE_CTL_BUS_RESET)
			return true;
	return false;
}

static void begin_reset(struct witness *witness)
{
	witness->is_in_transition = false;
	forbid(witness, AFTER_RESET);
	witness->absent_until = witness->began + (int64_t)witness->flr_ms * SCALE_MS;
}

static void on_ready(void *opaque)
{
	witness_update_intx(opaque);
}

/* QEMU calls this for every kind of reset, and afterwards resets the header, MSI and MSI-X itself. */
static void reset(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;

	if (is_bus_reset(pci))
		begin_reset(witness);
	if (witness->vfs)
		pcie_sriov_pf_disable_vfs(pci);
	witness_registers_reset(witness);
	memcpy(pci->config + PCI_STD_HEADER_SIZEOF, witness->defaults + PCI_STD_HEADER_SIZEOF,
	       pci_config_size(pci) - PCI_STD_HEADER_SIZEOF);
	timer_mod(witness->ready_timer, MAX(witness->absent_until, witness_now() + SCALE_MS));
}

static void reset_function(struct witness *witness)
{
	begin_reset(witness);
	pci_device_reset(&witness->parent_obj);
}

static void change_power_state(struct witness *witness, unsigned int before)
{
	PCIDevice *pci = &witness->parent_obj;
	unsigned int now = witness_power_state(witness);

	/* It has neither D1 nor D2. */
	if (now == 1 || now == 2) {
		pci_word_test_and_clear_mask(pci->config + CAP_PM + PCI_PM_CTRL,
					     PCI_PM_CTRL_STATE_MASK);
		pci_word_test_and_set_mask(pci->config + CAP_PM + PCI_PM_CTRL, before);
		now = before;
	}
	if (now == before)
		return;
	witness->is_in_transition = true;
	forbid(witness, AFTER_TRANSITION);
	if (before && !witness->no_soft_reset)
		pci_device_reset(pci);
}

/* It has the data, or has stored them, at once. */
static void access_vpd(struct witness *witness)
{
	uint8_t *at = witness->parent_obj.config + CAP_VPD;
	uint16_t address = pci_get_word(at + PCI_VPD_ADDR);

	if (witness->no_vpd)
		return;
	if (!(address & VPD_FLAG) && address + 4 <= sizeof(vpd))
		memcpy(at + PCI_VPD_DATA, vpd + address, 4);
	pci_set_word(at + PCI_VPD_ADDR, address ^ VPD_FLAG);
}

/*
 * The PCI core looks for power management events whenever it likes. And when it has told the drivers
 * that a recovery has ended, it clears the function's errors, without any lock that they could take.
 */
static bool is_allowed(struct witness *witness, uint32_t address)
{
	if (witness->is_in_transition)
		return address == CAP_PM + PCI_PM_CTRL;
	return witness->recovers && (address == CAP_PCIE + PCI_EXP_DEVSTA ||
				     address == EXT_AER + PCI_ERR_UNCOR_STATUS ||
				     address == EXT_AER + PCI_ERR_UNCOR_SEVER);
}

/* Counts an access that must not be; returns whether the function takes part in it. */
static bool judge(struct witness *witness, const char *what, uint32_t address, int size)
{
	if (witness_is_forbidden(witness) && !is_allowed(witness, address))
		witness_count(witness, witness->is_in_transition ? WITNESS_CONFIG_IN_TRANSITION :
								   WITNESS_CONFIG_IN_RESET,
			      "%s of %d bytes at 0x%x, %" PRId64 " us after it began, %" PRId64
			      " by the guest's clock", what, size, address,
			      (witness_now() - witness->began) / SCALE_US,
			      waited_by_guest(witness) / SCALE_US);
	if (witness->config_size && address + size > witness->config_size) {
		witness_count(witness, WITNESS_CONFIG_BEYOND_SIZE, "%s of %d bytes at 0x%x", what,
			      size, address);
		return false;
	}
	return !witness_is_absent(witness);
}

static struct witness *of(PCIDevice *pci)
{
	return container_of(pci, struct witness, parent_obj);
}

/* QEMU's injection of an error writes four bytes to DEVSTA, which has two: this one is next to it. */
static void keep_link_capabilities(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;
	uint32_t at = pci->exp.exp_cap + PCI_EXP_LNKCAP;

	pci_set_long(pci->config + at, pci_get_long(witness->defaults + at));
}

static uint32_t read_config(PCIDevice *pci, uint32_t address, int size)
{
	keep_link_capabilities(of(pci));
	if (!judge(of(pci), "read", address, size))
		return UINT32_MAX;
	if (address == CAP_MSIX + PCI_MSIX_TABLE && size == 4)
		return pci_get_long(pci->config + address) + of(pci)->move_table;
	if (address == CAP_MSIX + PCI_MSIX_FLAGS && size == 2)
		return pci_get_word(pci->config + address) + of(pci)->more_vectors;
	return pci_default_read_config(pci, address, size);
}

static void write_config(PCIDevice *pci, uint32_t address, uint32_t value, int size)
{
	struct witness *witness = of(pci);
	unsigned int power_state = witness_power_state(witness);
	uint8_t *devctl = pci->config + pci->exp.exp_cap + PCI_EXP_DEVCTL;

	if (!judge(witness, "write", address, size))
		return;
	pci_default_write_config(pci, address, value, size);
	pcie_aer_write_config(pci, address, value, size);
	if (ranges_overlap(address, size, CAP_PM + PCI_PM_CTRL, 2))
		change_power_state(witness, power_state);
	if (range_covers_byte(address, size, CAP_VPD + PCI_VPD_ADDR + 1))
		access_vpd(witness);
	if (pci_get_word(devctl) & PCI_EXP_DEVCTL_BCR_FLR ||
	    (witness->af && pci->config[CAP_AF + PCI_AF_CTRL] & PCI_AF_CTRL_FLR))
		reset_function(witness);
	witness_bars_follow(witness);
	witness_update_intx(witness);
}

static bool add_pm(struct witness *witness, Error **errp)
{
	PCIDevice *pci = &witness->parent_obj;

	if (pci_add_capability(pci, PCI_CAP_ID_PM, CAP_PM, PCI_PM_SIZEOF, errp) < 0)
		return false;
	pci_set_word(pci->config + CAP_PM + PCI_PM_PMC,
		     PCI_PM_CAP_VER_1_2 | PCI_PM_CAP_PME_D0 | PCI_PM_CAP_PME_D3hot);
	pci_set_word(pci->config + CAP_PM + PCI_PM_CTRL,
		     witness->no_soft_reset ? PCI_PM_CTRL_NO_SOFT_RESET : 0);
	pci_set_word(pci->wmask + CAP_PM + PCI_PM_CTRL,
		     PCI_PM_CTRL_STATE_MASK | PCI_PM_CTRL_PME_ENABLE);
	return true;
}

static bool add_vpd(PCIDevice *pci, Error **errp)
{
	if (pci_add_capability(pci, PCI_CAP_ID_VPD, CAP_VPD, VPD_SIZE, errp) < 0)
		return false;
	pci_set_word(pci->wmask + CAP_VPD + PCI_VPD_ADDR, 0xffff);
	pci_set_long(pci->wmask + CAP_VPD + PCI_VPD_DATA, UINT32_MAX);
	return true;
}

static bool add_af(PCIDevice *pci, Error **errp)
{
	if (pci_add_capability(pci, PCI_CAP_ID_AF, CAP_AF, PCI_CAP_AF_SIZEOF, errp) < 0)
		return false;
	pci->config[CAP_AF + PCI_AF_LENGTH] = PCI_CAP_AF_SIZEOF;
	pci->config[CAP_AF + PCI_AF_CAP] = PCI_AF_CAP_TP | PCI_AF_CAP_FLR;
	pci->wmask[CAP_AF + PCI_AF_CTRL] = PCI_AF_CTRL_FLR;
	return true;
}

/* Two that no user is to see: Data Link Feature, and one that no specification has. */
static void add_hidden_capabilities(PCIDevice *pci)
{
	pcie_add_capability(pci, 0x25, 1, EXT_DLF, 12);
	pcie_add_capability(pci, 0x7f, 1, EXT_UNKNOWN, 12);
	pci_set_long(pci->config + EXT_UNKNOWN + 4, 0x600df00d);
	pci_set_long(pci->wmask + EXT_UNKNOWN + 8, UINT32_MAX);
}

/* As many bits of PASIDs as there can be, which travel in prefixes of TLPs. */
static void add_pasid(PCIDevice *pci)
{
	pcie_add_capability(pci, PCI_EXT_CAP_ID_PASID, 1, EXT_PASID, PCI_EXT_CAP_PASID_SIZEOF);
	pci_set_word(pci->config + EXT_PASID + PCI_PASID_CAP, 20 << 8);
	pci_set_word(pci->wmask + EXT_PASID + PCI_PASID_CTRL, PCI_PASID_CTRL_ENABLE);
	pci_long_test_and_set_mask(pci->config + CAP_PCIE + PCI_EXP_DEVCAP2,
				   PCI_EXP_DEVCAP2_EETLPP);
}

/*
 * A function that can request AtomicOps, and completes those of 32 bits, below a root port that
 * completes those of 64 bits, too.
 */
static void add_atomic_ops(PCIDevice *pci)
{
	PCIDevice *port = pci_bridge_get_device(pci_get_bus(pci));

	pci_long_test_and_set_mask(port->config + port->exp.exp_cap + PCI_EXP_DEVCAP2,
				   PCI_EXP_DEVCAP2_ATOMIC_COMP32 | PCI_EXP_DEVCAP2_ATOMIC_COMP64);
	pci_long_test_and_set_mask(pci->config + CAP_PCIE + PCI_EXP_DEVCAP2,
				   PCI_EXP_DEVCAP2_ATOMIC_COMP32);
	pci_word_test_and_set_mask(pci->wmask + CAP_PCIE + PCI_EXP_DEVCTL2,
				   PCI_EXP_DEVCTL2_ATOMIC_REQ);
}

/* What the PF and its VFs have alike. */
static bool init_function(struct witness *witness, Error **errp)
{
	PCIDevice *pci = &witness->parent_obj;

	witness->ready_timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, on_ready, witness);
	witness_registers_init(witness);
	witness_bars_init(witness);
	if (pcie_endpoint_cap_init(pci, CAP_PCIE) < 0) {
		error_setg(errp, "no room for the PCI Express capability");
		return false;
	}
	pcie_cap_deverr_init(pci);
	if (witness->flr)
		pcie_cap_flr_init(pci);
	if (!add_pm(witness, errp) ||
	    pcie_aer_init(pci, PCI_ERR_VER, EXT_AER, PCI_ERR_SIZEOF, errp) < 0)
		return false;
	pcie_ari_init(pci, EXT_ARI, 1);
	return witness_bars_add_table(witness, MSIX_VECTORS, CAP_MSIX, errp);
}

static void take_defaults(struct witness *witness)
{
	PCIDevice *pci = &witness->parent_obj;

	witness->defaults = g_memdup2(pci->config, pci_config_size(pci));
}

static void realize(PCIDevice *pci, Error **errp)
{
	struct witness *witness = WITNESS(pci);

	if (!DEVICE(pci)->id) {
		error_setg(errp, "a witness needs an id");
		return;
	}
	witness->counts = witness_counts_new(DEVICE(pci)->id);
	pci_config_set_vendor_id(pci->config, witness->vendor);
	pci_config_set_device_id(pci->config, witness->device);
	pci_config_set_class(pci->config, witness->class_id);
	pci_set_byte(pci->config + PCI_INTERRUPT_PIN, 1);
	if (!init_function(witness, errp) || !add_vpd(pci, errp))
		return;
	if (witness->af && !add_af(pci, errp))
		return;
	if (msi_init(pci, CAP_MSI, MSI_VECTORS, true, true, errp) < 0)
		return;
	if (witness->vfs) {
		pcie_sriov_pf_init(pci, EXT_SRIOV, TYPE_WITNESS_VF, ID_VF, witness->vfs,
				   witness->vfs, VF_OFFSET, VF_STRIDE);
		pcie_sriov_pf_init_vf_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY,
					  memory_region_size(&witness->bars[0].region));
	}
	if (witness->hidden_capabilities)
		add_hidden_capabilities(pci);
	if (witness->pasid)
		add_pasid(pci);
	if (witness->atomic_ops)
		add_atomic_ops(pci);
	take_defaults(witness);
}

static void exit_function(struct witness *witness)
{
	pcie_aer_exit(&witness->parent_obj);
	witness_bars_exit(witness);
	witness_registers_exit(witness);
	timer_free(witness->ready_timer);
	g_free(witness->defaults);
}

static void unrealize(PCIDevice *pci)
{
	struct witness *witness = WITNESS(pci);

	if (witness->vfs)
		pcie_sriov_pf_exit(pci);
	msi_uninit(pci);
	exit_function(witness);
}

static void vf_realize(PCIDevice *pci, Error **errp)
{
	struct witness *witness = WITNESS_VF(pci), *pf;
	g_autofree char *name = NULL;

	if (!pci_is_vf(pci)) {
		error_setg(errp, TYPE_WITNESS_VF " exists as a VF of " TYPE_WITNESS " only");
		return;
	}
	pf = WITNESS(pcie_sriov_get_pf(pci));
	name = g_strdup_printf("%s-vf%u", DEVICE(pf)->id, pcie_sriov_vf_number(pci));
	witness->counts = witness_counts_new(name);
	witness->flr_ms = pf->flr_ms;
	witness->flr = true;
	witness->no_soft_reset = pf->no_soft_reset;
	if (!init_function(witness, errp))
		return;
	take_defaults(witness);
}

static void vf_unrealize(PCIDevice *pci)
{
	exit_function(WITNESS_VF(pci));
}

static void on_reset(DeviceState *device)
{
	reset(of(PCI_DEVICE(device)));
}

/* From outside: what happens at the device's other end. */
static bool get_intx(Object *object, Error **errp)
{
	return WITNESS(object)->intx_pending;
}

static void set_intx(Object *object, bool pending, Error **errp)
{
	witness_set_intx(WITNESS(object), pending);
}

/* Whether it is through with its last reset. */
static bool get_answers(Object *object, Error **errp)
{
	return !witness_is_absent(WITNESS(object));
}

/* Kinds of properties that can be set while the machine runs. */
static PropertyInfo live_bool, live_uint32;

#define LIVE(name, field, type, kind, value) \
	DEFINE_PROP_UNSIGNED(name, struct witness, field, value, live_##kind, type)

static Property properties[] = {
	DEFINE_PROP_UINT16("vendor", struct witness, vendor, ID_VENDOR),
	DEFINE_PROP_UINT16("device", struct witness, device, ID_DEVICE),
	DEFINE_PROP_UINT16("class", struct witness, class_id, ID_CLASS),
	DEFINE_PROP_UINT16("vfs", struct witness, vfs, 0),
	LIVE("config-size", config_size, uint32_t, uint32, 0),
	DEFINE_PROP_BOOL("flr", struct witness, flr, true),
	DEFINE_PROP_BOOL("af", struct witness, af, false),
	DEFINE_PROP_BOOL("hidden-capabilities", struct witness, hidden_capabilities, false),
	DEFINE_PROP_BOOL("pasid", struct witness, pasid, false),
	DEFINE_PROP_BOOL("atomic-ops", struct witness, atomic_ops, false),
	DEFINE_PROP_BOOL("no-soft-reset", struct witness, no_soft_reset, true),
	DEFINE_PROP_BOOL("msi-needs-intx", struct witness, msi_needs_intx, false),
	LIVE("flr-ms", flr_ms, uint32_t, uint32, 95),
	LIVE("intx-limit-ms", intx_limit_ms, uint32_t, uint32, 5000),
	LIVE("intx-survives-reset", intx_survives_reset, bool, bool, false),
	LIVE("more-vectors", more_vectors, uint32_t, uint32, 0),
	LIVE("move-table", move_table, uint32_t, uint32, 0),
	LIVE("rom-data", rom_data, uint32_t, uint32, 0x20),
	LIVE("no-vpd", no_vpd, bool, bool, false),
	LIVE("recovers", recovers, bool, bool, false),
	LIVE("quiet", quiet, bool, bool, false),
	DEFINE_PROP_END_OF_LIST(),
};

static void init_live(PropertyInfo *live, const PropertyInfo *kind)
{
	*live = *kind;
	live->realized_set_allowed = true;
}

static void common_class_init(ObjectClass *class)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	pci->config_read = read_config;
	pci->config_write = write_config;
	pci->vendor_id = ID_VENDOR;
	pci->device_id = ID_DEVICE;
	pci->class_id = ID_CLASS;
	DEVICE_CLASS(class)->reset = on_reset;
}

static void class_init(ObjectClass *class, void *data)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	init_live(&live_bool, &qdev_prop_bool);
	init_live(&live_uint32, &qdev_prop_uint32);
	common_class_init(class);
	pci->realize = realize;
	pci->exit = unrealize;
	DEVICE_CLASS(class)->desc = "counts what nobody may do to a PCI function";
	device_class_set_props(DEVICE_CLASS(class), properties);
	object_class_property_add_bool(class, "intx", get_intx, set_intx);
	object_class_property_add_bool(class, "answers", get_answers, NULL);
}

static void vf_class_init(ObjectClass *class, void *data)
{
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	common_class_init(class);
	pci->realize = vf_realize;
	pci->exit = vf_unrealize;
	DEVICE_CLASS(class)->user_creatable = false;
}

static InterfaceInfo interfaces[] = {
	{ INTERFACE_PCIE_DEVICE },
	{ },
};

static const TypeInfo type = {
	.name = TYPE_WITNESS,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct witness),
	.class_init = class_init,
	.interfaces = interfaces,
};

static const TypeInfo vf_type = {
	.name = TYPE_WITNESS_VF,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct witness),
	.class_init = vf_class_init,
	.interfaces = interfaces,
};

void witness_register_types(void)
{
	type_register_static(&type);
	type_register_static(&vf_type);
}
