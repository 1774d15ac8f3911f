// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI functions: a ConnectX-7 PF with SR-IOV and its VFs, as QEMU device types.
 */
#include "connectx.h"
#include "hw/pci/msix.h"
#include "hw/pci/pcie.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/module.h"
#include "qemu/units.h"

#define VENDOR_MELLANOX		0x15b3
#define DEVICE_CONNECTX7	0x1021
#define DEVICE_VF		0x101e
#define CLASS_INFINIBAND	0x0207

/* Configuration space. */
#define CAP_PCIE		0x60
#define CAP_MSIX		0x9c
#define CAP_PM			0x40
#define CAP_VENDOR		0xc0
#define VENDOR_SIZE		0x18
#define VENDOR_COUNTER		0x08
#define VENDOR_SEMAPHORE	0x0c
#define EXT_AER			0x100
#define EXT_ARI			0x150
#define EXT_SRIOV		0x180
#define VF_OFFSET		1
#define VF_STRIDE		1

/* Numbers of virtual HCAs differ from those of functions, so that no one takes one for the other. */
#define VHCA_BASE		0x40

uint16_t cx_vhca_id(const struct cx_function *fn)
{
	return VHCA_BASE + fn->id;
}

struct cx_function *cx_function_get(struct cx_pf *pf, unsigned int id)
{
	PCIDevice *vf;

	if (!id)
		return &pf->fn;
	if (id > pcie_sriov_num_vfs(&pf->parent_obj))
		return NULL;
	vf = pcie_sriov_get_vf_at_index(&pf->parent_obj, id - 1);
	return vf ? &CX_VF(vf)->fn : NULL;
}

struct cx_function *cx_function_by_vhca(struct cx_pf *pf, uint16_t vhca_id)
{
	return vhca_id < VHCA_BASE ? NULL : cx_function_get(pf, vhca_id - VHCA_BASE);
}

static void add_power_management(PCIDevice *pci, Error **errp)
{
	if (pci_add_capability(pci, PCI_CAP_ID_PM, CAP_PM, PCI_PM_SIZEOF, errp) < 0)
		return;
	pci_set_word(pci->config + CAP_PM + PCI_PM_PMC, PCI_PM_CAP_VER_1_2);
	pci_set_word(pci->config + CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	pci_set_word(pci->wmask + CAP_PM + PCI_PM_CTRL, PCI_PM_CTRL_STATE_MASK);
}

/*
 * The gateway to the card's own address space. The driver takes its semaphore, asks for a
 * space, and is told that there is none.
 */
static void add_gateway(PCIDevice *pci, Error **errp)
{
	if (pci_add_capability(pci, PCI_CAP_ID_VNDR, CAP_VENDOR, VENDOR_SIZE, errp) < 0)
		return;
	pci->config[CAP_VENDOR + PCI_CAP_FLAGS] = VENDOR_SIZE;
	pci_set_long(pci->config + CAP_VENDOR + VENDOR_COUNTER, 1);
	pci_set_long(pci->wmask + CAP_VENDOR + VENDOR_SEMAPHORE, UINT32_MAX);
}

/* What the PF and its VFs have alike. */
static bool init_function(struct cx_function *fn, unsigned int vectors, Error **errp)
{
	PCIDevice *pci = fn->pci;
	ERRP_GUARD();

	memory_region_init(&fn->bar, OBJECT(pci), "connectx-bar", CX_BAR_SIZE);
	memory_region_init_io(&fn->registers, OBJECT(pci), &cx_register_ops, fn,
			      "connectx-registers", CX_MSIX_TABLE);
	memory_region_add_subregion(&fn->bar, 0, &fn->registers);

	if (pcie_endpoint_cap_init(pci, CAP_PCIE) < 0) {
		error_setg(errp, "no room for the PCI Express capability");
		return false;
	}
	pcie_cap_deverr_init(pci);
	pcie_cap_flr_init(pci);
	add_power_management(pci, errp);
	if (*errp)
		return false;
	if (pcie_aer_init(pci, PCI_ERR_VER, EXT_AER, PCI_ERR_SIZEOF, errp) < 0)
		return false;
	pcie_ari_init(pci, EXT_ARI, 1);
	if (msix_init(pci, vectors, &fn->bar, 0, CX_MSIX_TABLE, &fn->bar, 0, CX_MSIX_PBA,
		      CAP_MSIX, errp) < 0)
		return false;
	for (unsigned int vector = 0; vector < vectors; vector++)
		msix_vector_use(pci, vector);
	cx_function_init(fn);
	return true;
}

static void exit_function(struct cx_function *fn)
{
	cx_function_exit(fn);
	pcie_aer_exit(fn->pci);
	msix_uninit(fn->pci, &fn->bar, &fn->bar);
	memory_region_del_subregion(&fn->bar, &fn->registers);
}

static void pf_realize(PCIDevice *pci, Error **errp)
{
	struct cx_pf *pf = CX_PF(pci);

	if (!pf->vfs || pf->vfs > 127) {
		error_setg(errp, "vfs must be between 1 and 127");
		return;
	}
	if (!pf->vectors || !pf->vf_vectors || pf->vectors > 2048 || pf->vf_vectors > 2048) {
		error_setg(errp, "vectors and vf-vectors must be between 1 and 2048");
		return;
	}
	if ((pf->chunk_size && pf->chunk_size < 4096 * 2) || pf->chunk_required < 4096 * 2 ||
	    pf->image_limit > UINT32_MAX) {
		error_setg(errp, "chunk-size and chunk-required must be 8192 or more, image-limit "
			   "less than 4 GiB");
		return;
	}
	pf->fn.pci = pci;
	pf->fn.pf = pf;
	for (size_t id = 0; id < ARRAY_SIZE(pf->vf_pages); id++)
		g_queue_init(&pf->vf_pages[id]);
	if (!init_function(&pf->fn, pf->vectors, errp))
		return;
	add_gateway(pci, errp);
	pci_register_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY | PCI_BASE_ADDRESS_MEM_TYPE_64 |
			 PCI_BASE_ADDRESS_MEM_PREFETCH, &pf->fn.bar);
	pcie_sriov_pf_init(pci, EXT_SRIOV, CX_VF_TYPE, DEVICE_VF, pf->vfs, pf->vfs, VF_OFFSET,
			   VF_STRIDE);
	pcie_sriov_pf_init_vf_bar(pci, 0, PCI_BASE_ADDRESS_SPACE_MEMORY |
				  PCI_BASE_ADDRESS_MEM_TYPE_64 | PCI_BASE_ADDRESS_MEM_PREFETCH,
				  CX_BAR_SIZE);
	pf->fn.enabled = true;
}

static void pf_exit(PCIDevice *pci)
{
	struct cx_pf *pf = CX_PF(pci);

	pcie_sriov_pf_exit(pci);
	exit_function(&pf->fn);
	cx_pages_forget(pf);
	cx_faults_free(pf);
	cx_trace_close(pf);
}

/* QEMU calls this for a bus reset as well as for a function level reset. */
static void pf_reset(DeviceState *dev)
{
	struct cx_pf *pf = CX_PF(dev);
	uint8_t *sriov = pf->parent_obj.config + EXT_SRIOV;

	/* QEMU takes the VFs away and leaves the registers: the host would think that they are there. */
	pcie_sriov_pf_disable_vfs(&pf->parent_obj);
	pci_set_word(sriov + PCI_SRIOV_CTRL, 0);
	pci_set_word(sriov + PCI_SRIOV_NUM_VF, 0);
	cx_function_reset(&pf->fn);
	cx_pages_forget(pf);
	pci_set_long(pf->parent_obj.config + CAP_VENDOR + VENDOR_SEMAPHORE, 0);
}

static void pf_write_config(PCIDevice *pci, uint32_t address, uint32_t value, int length)
{
	pci_default_write_config(pci, address, value, length);
	pcie_sriov_config_write(pci, address, value, length);
	pcie_cap_flr_write_config(pci, address, value, length);
	pcie_aer_write_config(pci, address, value, length);
}

static void vf_realize(PCIDevice *pci, Error **errp)
{
	struct cx_vf *vf = CX_VF(pci);
	struct cx_pf *pf;

	if (!pci_is_vf(pci)) {
		error_setg(errp, CX_VF_TYPE " exists as a VF of " CX_PF_TYPE " only");
		return;
	}
	pf = CX_PF(pcie_sriov_get_pf(pci));
	vf->fn.pci = pci;
	vf->fn.pf = pf;
	vf->fn.id = pcie_sriov_vf_number(pci) + 1;
	vf->fn.migration = cx_migration_new();
	vf->fn.window = cx_window_new();
	if (!init_function(&vf->fn, pf->vf_vectors, errp))
		return;
	pcie_sriov_vf_register_bar(pci, 0, &vf->fn.bar);
}

static void vf_exit(PCIDevice *pci)
{
	struct cx_vf *vf = CX_VF(pci);

	exit_function(&vf->fn);
	cx_migration_free(vf->fn.migration);
	g_free(vf->fn.window);
}

static void vf_reset(DeviceState *dev)
{
	cx_function_reset(&CX_VF(dev)->fn);
}

static void vf_write_config(PCIDevice *pci, uint32_t address, uint32_t value, int length)
{
	pci_default_write_config(pci, address, value, length);
	pcie_cap_flr_write_config(pci, address, value, length);
	pcie_aer_write_config(pci, address, value, length);
}

/*
 * Kinds of properties that can be set while the PF runs, so that a test need not boot a machine
 * for every one. What a driver has been told it is not told again: capabilities are for the next.
 */
static PropertyInfo live_bool, live_uint8, live_uint32, live_size, live_size32;

static void init_live(PropertyInfo *live, const PropertyInfo *kind)
{
	*live = *kind;
	live->realized_set_allowed = true;
}

#define LIVE(name, field, type, kind, value) \
	DEFINE_PROP_UNSIGNED(name, struct cx_pf, field, value, live_##kind, type)

static Property pf_properties[] = {
	DEFINE_PROP_UINT16("vfs", struct cx_pf, vfs, 8),
	DEFINE_PROP_UINT16("vectors", struct cx_pf, vectors, 16),
	DEFINE_PROP_UINT16("vf-vectors", struct cx_pf, vf_vectors, 8),
	DEFINE_PROP_UINT32("boot-pages", struct cx_pf, boot_pages, 8),
	DEFINE_PROP_UINT32("init-pages", struct cx_pf, init_pages, 24),
	DEFINE_PROP_UINT32("pages-per-vf", struct cx_pf, pages_per_vf, 8),
	LIVE("ethernet", ethernet, bool, bool, false),
	LIVE("migration", migration, bool, bool, true),
	LIVE("precopy", precopy, bool, bool, true),
	LIVE("multi-load", multi_load, bool, bool, true),
	LIVE("chunks", chunks, bool, bool, true),
	LIVE("migration-state", migration_state, bool, bool, true),
	LIVE("tracker", tracker, bool, bool, true),
	LIVE("state-limit", state_limit, uint64_t, size, 1 * GiB),
	LIVE("image-limit", image_limit, uint64_t, size, 4 * GiB - 4096),
	LIVE("chunk-size", chunk_size, uint32_t, size32, 0),
	LIVE("chunk-required", chunk_required, uint32_t, size32, 64 * KiB),
	LIVE("tracker-max-ranges", tracker_max_ranges, uint8_t, uint8, 8),
	LIVE("tracker-min-space", tracker_min_space, uint8_t, uint8, 12),
	LIVE("tracker-max-space", tracker_max_space, uint8_t, uint8, 52),
	LIVE("tracker-max-message", tracker_max_message, uint8_t, uint8, 12),
	LIVE("tracker-capacity", tracker_capacity, uint32_t, uint32, 0),
	LIVE("command-timeout-ms", command_timeout_ms, uint32_t, uint32, 60000),
	LIVE("health-poll-ms", health_poll_ms, uint32_t, uint32, 2000),
	LIVE("command-us", command_us, uint32_t, uint32, 0),
	LIVE("image-us", image_us, uint32_t, uint32, 2000),
	LIVE("image-us-per-mib", image_us_per_mib, uint32_t, uint32, 0),
	LIVE("strict", strict, bool, bool, true),
	LIVE("rule-restart", rules.restart, bool, bool, true),
	LIVE("rule-track", rules.track, bool, bool, true),
	LIVE("rule-increment", rules.increment, bool, bool, true),
	LIVE("rule-clean-up", rules.clean_up, bool, bool, true),
	LIVE("rule-fill", rules.fill, bool, bool, true),
	LIVE("rule-idle", rules.idle, bool, bool, true),
	LIVE("rule-keys", rules.keys, bool, bool, true),
	LIVE("rule-busy", rules.busy, bool, bool, true),
	LIVE("rule-caps", rules.caps, bool, bool, true),
	DEFINE_PROP_END_OF_LIST(),
};

static void set_identity(PCIDeviceClass *pci, uint16_t device_id)
{
	pci->vendor_id = VENDOR_MELLANOX;
	pci->device_id = device_id;
	pci->subsystem_vendor_id = VENDOR_MELLANOX;
	pci->subsystem_id = 0x0001;
	pci->class_id = CLASS_INFINIBAND;
}

static void pf_class_init(ObjectClass *class, void *data)
{
	DeviceClass *dev = DEVICE_CLASS(class);
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	init_live(&live_bool, &qdev_prop_bool);
	init_live(&live_uint8, &qdev_prop_uint8);
	init_live(&live_uint32, &qdev_prop_uint32);
	init_live(&live_size, &qdev_prop_size);
	init_live(&live_size32, &qdev_prop_size32);
	pci->realize = pf_realize;
	pci->exit = pf_exit;
	pci->config_write = pf_write_config;
	set_identity(pci, DEVICE_CONNECTX7);
	dev->reset = pf_reset;
	dev->desc = "model of a ConnectX-7: command interface, SR-IOV, VF migration";
	device_class_set_props(dev, pf_properties);
	cx_faults_register(class);
	cx_caps_register(class);
	cx_trace_register(class);
}

static void vf_class_init(ObjectClass *class, void *data)
{
	DeviceClass *dev = DEVICE_CLASS(class);
	PCIDeviceClass *pci = PCI_DEVICE_CLASS(class);

	pci->realize = vf_realize;
	pci->exit = vf_exit;
	pci->config_write = vf_write_config;
	set_identity(pci, DEVICE_VF);
	dev->reset = vf_reset;
	dev->user_creatable = false;
}

static InterfaceInfo interfaces[] = {
	{ INTERFACE_PCIE_DEVICE },
	{ },
};

static const TypeInfo pf_type = {
	.name = CX_PF_TYPE,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct cx_pf),
	.class_init = pf_class_init,
	.interfaces = interfaces,
};

static const TypeInfo vf_type = {
	.name = CX_VF_TYPE,
	.parent = TYPE_PCI_DEVICE,
	.instance_size = sizeof(struct cx_vf),
	.class_init = vf_class_init,
	.interfaces = interfaces,
};

void cx_pci_register_types(void)
{
	type_register_static(&pf_type);
	type_register_static(&vf_type);
}
