// SPDX-License-Identifier: GPL-2.0-only
/* The firmware's commands: see firmware.h, and mlx5_ifc.h for the layouts. */
#include <linux/mlx5/device.h>
#include <linux/slab.h>

#include "../compat/mlx5.h"
#include "firmware.h"

/* Fields that 6.1's mlx5_ifc.h does not have, at the offsets of newer ones. */

struct mlx5_ifc_latch_hca_cap_2_bits {
	u8 reserved_at_0[0x80];
	u8 migratable[0x1];
	u8 reserved_at_81[0x47];
	u8 migration_multi_load[0x1];
	u8 migration_tracking_state[0x1];
	u8 reserved_at_ca[0x6];
	u8 migration_in_chunks[0x1];
	u8 reserved_at_d1[0x8];
	u8 migration_state[0x1];
	u8 reserved_at_da[0x6];
};

struct mlx5_ifc_latch_query_in_bits {
	u8 opcode[0x10];
	u8 uid[0x10];
	u8 reserved_at_20[0x10];
	u8 op_mod[0x10];
	u8 incremental[0x1];
	u8 chunk[0x1];
	u8 reserved_at_42[0xe];
	u8 vhca_id[0x10];
	u8 reserved_at_60[0x20];
};

struct mlx5_ifc_latch_query_out_bits {
	u8 status[0x8];
	u8 reserved_at_8[0x18];
	u8 syndrome[0x20];
	u8 reserved_at_40[0x20];
	u8 migration_state[0x4];
	u8 reserved_at_64[0x1c];
	u8 required_umem_size[0x20];
	u8 reserved_at_a0[0x20];
	u8 remaining_total_size[0x40];
	u8 reserved_at_100[0x100];
};

/* A query's migration_state: the state is to be saved from its beginning. */
#define MIGRATION_STATE_INIT	4

struct mlx5_ifc_latch_save_in_bits {
	u8 opcode[0x10];
	u8 uid[0x10];
	u8 reserved_at_20[0x10];
	u8 op_mod[0x10];
	u8 incremental[0x1];
	u8 set_track[0x1];
	u8 reserved_at_42[0xe];
	u8 vhca_id[0x10];
	u8 reserved_at_60[0x20];
	u8 va[0x40];
	u8 mkey[0x20];
	u8 size[0x20];
};

struct mlx5_ifc_latch_save_out_bits {
	u8 status[0x8];
	u8 reserved_at_8[0x18];
	u8 syndrome[0x20];
	u8 actual_image_size[0x20];
	u8 next_required_umem_size[0x20];
};

/**
 * latch_fw_error - what a command's error means to a user
 * @error: 0, or a negative error of mlx5_core
 *
 * mlx5_core has errors that would tell a user something else: bad memory of its
 * own (-EFAULT, a command that could not be delivered), nothing to read at the
 * moment (-ENOMSG, the same), try again (-EAGAIN, a firmware without resources),
 * a reset came in between (-ECANCELED, a command that was never given). Newer
 * ones may have more. So only errors with one meaning pass.
 *
 * Return: 0; -ENOMEM if the firmware, or the kernel, has no resources; -EBUSY if
 * the firmware is at work with the object, or has been for too long to get the
 * command; -EINVAL if it refused the command; -ETIMEDOUT if it may have executed
 * it or not; -EIO in all other cases.
 */
int latch_fw_error(int error)
{
	switch (error) {
	case 0:
	case -EBUSY:
	case -EINVAL:
	case -ENOMEM:
	case -ETIMEDOUT:
		return error;
	case -EAGAIN:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

/*
 * What a command's result means to a user. mlx5_core's own -EAGAIN, unlike that of a status, is for
 * a command that it could not give.
 */
static int check_answer(struct mlx5_core_dev *mdev, int ret, void *in, void *out)
{
	return ret == -EAGAIN ? -EIO : latch_fw_error(mlx5_cmd_check(mdev, ret, in, out));
}

/**
 * latch_fw_exec - give the firmware a command
 * @mdev: the PF
 * @in: the command
 * @in_bytes: its size
 * @out: the answer
 * @out_bytes: its size
 *
 * Context: may sleep.
 * Return: as latch_fw_error().
 */
int latch_fw_exec(struct mlx5_core_dev *mdev, void *in, size_t in_bytes, void *out,
		  size_t out_bytes)
{
	return check_answer(mdev, mlx5_cmd_do(mdev, in, in_bytes, out, out_bytes), in, out);
}

/**
 * latch_fw_destroy - give the firmware a command that takes something away from it
 * @mdev: the PF
 * @in: the command
 * @in_bytes: its size
 * @out: the answer
 * @out_bytes: its size
 *
 * When a device fails, mlx5_core gives it no commands any more, and drops those
 * that are under way. mlx5_cmd_exec() calls those that destroy a success then.
 * But the device is not stopped: it is reset later, if at all, and may be a bus
 * master for longer.
 *
 * Context: may sleep.
 * Return: as latch_fw_error(); -ENXIO if the device has failed, and the command
 * was not given or is not known to have been executed.
 */
int latch_fw_destroy(struct mlx5_core_dev *mdev, void *in, size_t in_bytes, void *out,
		     size_t out_bytes)
{
	int ret = mlx5_cmd_do(mdev, in, in_bytes, out, out_bytes);

	return ret == -ENXIO ? ret : check_answer(mdev, ret, in, out);
}

/**
 * latch_fw_destroy_key - destroy a memory key
 * @mdev: the PF
 * @mkey: the key
 *
 * Context: may sleep.
 * Return: as latch_fw_destroy().
 */
int latch_fw_destroy_key(struct mlx5_core_dev *mdev, u32 mkey)
{
	u32 out[MLX5_ST_SZ_DW(destroy_mkey_out)] = {};
	u32 in[MLX5_ST_SZ_DW(destroy_mkey_in)] = {};

	MLX5_SET(destroy_mkey_in, in, opcode, MLX5_CMD_OP_DESTROY_MKEY);
	MLX5_SET(destroy_mkey_in, in, mkey_index, mlx5_mkey_to_idx(mkey));
	return latch_fw_destroy(mdev, in, sizeof(in), out, sizeof(out));
}

static int query_cap(struct mlx5_core_dev *mdev, u16 function_id, enum mlx5_cap_type type,
		     enum mlx5_cap_mode mode, void *out)
{
	u32 in[MLX5_ST_SZ_DW(query_hca_cap_in)] = {};

	MLX5_SET(query_hca_cap_in, in, opcode, MLX5_CMD_OP_QUERY_HCA_CAP);
	MLX5_SET(query_hca_cap_in, in, op_mod, type << 1 | mode);
	MLX5_SET(query_hca_cap_in, in, other_function, 1);
	MLX5_SET(query_hca_cap_in, in, function_id, function_id);
	return latch_fw_exec(mdev, in, sizeof(in), out, MLX5_ST_SZ_BYTES(query_hca_cap_out));
}

/* The PF's capabilities beyond saving a VF in one image, as mlx5_core has set it up. */
static void read_pf_caps(struct mlx5_core_dev *mdev, struct latch_fw_caps *caps)
{
	const void *cap = mdev->caps.hca[MLX5_CAP_GENERAL_2]->cur;

	caps->multi_load = MLX5_GET(latch_hca_cap_2, cap, migration_multi_load);
	caps->tracking = MLX5_GET(latch_hca_cap_2, cap, migration_tracking_state);
	caps->chunks = MLX5_GET(latch_hca_cap_2, cap, migration_in_chunks);
	caps->state = MLX5_GET(latch_hca_cap_2, cap, migration_state);
}

/**
 * latch_fw_can_migrate - whether the firmware can migrate VFs
 * @mdev: the PF
 *
 * Return: the capability, as mlx5_core has set up the PF.
 */
bool latch_fw_can_migrate(struct mlx5_core_dev *mdev)
{
	return MLX5_CAP_GEN(mdev, migration);
}

/**
 * latch_fw_is_ethernet - whether a PF's port is an Ethernet port
 * @mdev: the PF
 *
 * Return: true if so; firmware migrates only VFs of such a PF.
 */
bool latch_fw_is_ethernet(struct mlx5_core_dev *mdev)
{
	return MLX5_CAP_GEN(mdev, port_type) == MLX5_CAP_PORT_TYPE_ETH;
}

/**
 * latch_fw_query_caps - ask what the firmware can do for a VF
 * @mdev: the PF, which can migrate VFs
 * @function_id: the VF, counted from 1
 * @caps: the answer
 *
 * If mlx5_core can declare a VF migratable (devlink), only such VFs are. An
 * older one cannot: then every VF is. The declaration is the VF's maximum, as
 * the VF's driver sets the current value.
 *
 * Return: 0 or a negative error.
 */
int latch_fw_query_caps(struct mlx5_core_dev *mdev, u16 function_id, struct latch_fw_caps *caps)
{
	void *out, *cap;
	int ret;

	memset(caps, 0, sizeof(*caps));
	out = kzalloc(MLX5_ST_SZ_BYTES(query_hca_cap_out), GFP_KERNEL);
	if (!out)
		return -ENOMEM;
	cap = MLX5_ADDR_OF(query_hca_cap_out, out, capability);

	ret = query_cap(mdev, function_id, MLX5_CAP_GENERAL, HCA_CAP_OPMOD_GET_CUR, out);
	if (ret)
		goto free;
	caps->vhca_id = MLX5_GET(cmd_hca_cap, cap, vhca_id);
	caps->migratable = true;
	if (!MLX5_CAP_GEN(mdev, hca_cap_2))
		goto free;
	read_pf_caps(mdev, caps);
	if (!compat_mlx5_declares_migratable())
		goto free;
	ret = query_cap(mdev, function_id, MLX5_CAP_GENERAL_2, HCA_CAP_OPMOD_GET_MAX, out);
	if (!ret)
		caps->migratable = MLX5_GET(latch_hca_cap_2, cap, migratable);
free:
	kfree(out);
	return ret;
}

/**
 * latch_fw_has_let_go - whether memory that the firmware was given may be freed
 * @mdev: the PF
 * @error: result of the commands that take it away: 0, or the first error
 * @bytes: how much it is, for the log
 *
 * If such a command was refused, or did not complete, or was not given to a
 * device that has failed (latch_fw_destroy()), the device may write to the
 * memory at any later time: it stays mapped and allocated for ever.
 *
 * Return: false if it must stay.
 */
bool latch_fw_has_let_go(struct mlx5_core_dev *mdev, int error, size_t bytes)
{
	if (error)
		dev_warn_ratelimited(mdev->device,
				     "the firmware may still write to memory (%d): %zu bytes are not freed\n",
				     error, bytes);
	return !error;
}

/**
 * latch_fw_suspend - suspend a VF
 * @mdev: the PF
 * @vhca_id: the VF
 * @op_mod: MLX5_SUSPEND_VHCA_IN_OP_MOD_SUSPEND_INITIATOR or _RESPONDER
 *
 * Return: 0 or a negative error.
 */
int latch_fw_suspend(struct mlx5_core_dev *mdev, u16 vhca_id, u16 op_mod)
{
	u32 out[MLX5_ST_SZ_DW(suspend_vhca_out)] = {};
	u32 in[MLX5_ST_SZ_DW(suspend_vhca_in)] = {};

	MLX5_SET(suspend_vhca_in, in, opcode, MLX5_CMD_OP_SUSPEND_VHCA);
	MLX5_SET(suspend_vhca_in, in, op_mod, op_mod);
	MLX5_SET(suspend_vhca_in, in, vhca_id, vhca_id);
	return latch_fw_exec(mdev, in, sizeof(in), out, sizeof(out));
}

/**
 * latch_fw_resume - resume a VF
 * @mdev: the PF
 * @vhca_id: the VF
 * @op_mod: MLX5_RESUME_VHCA_IN_OP_MOD_RESUME_RESPONDER or _INITIATOR
 *
 * Return: 0 or a negative error.
 */
int latch_fw_resume(struct mlx5_core_dev *mdev, u16 vhca_id, u16 op_mod)
{
	u32 out[MLX5_ST_SZ_DW(resume_vhca_out)] = {};
	u32 in[MLX5_ST_SZ_DW(resume_vhca_in)] = {};

	MLX5_SET(resume_vhca_in, in, opcode, MLX5_CMD_OP_RESUME_VHCA);
	MLX5_SET(resume_vhca_in, in, op_mod, op_mod);
	MLX5_SET(resume_vhca_in, in, vhca_id, vhca_id);
	return latch_fw_exec(mdev, in, sizeof(in), out, sizeof(out));
}

/* Commands have 32 bits for a buffer's size, and buffers have whole pages. */
static int check_size(u32 required)
{
	return required > (1ULL << 32) - PAGE_SIZE ? -EIO : 0;
}

/* No state is so large. With it, sums for the user would not fit into 64 bits. */
static int check_total(u64 total)
{
	return total > S64_MAX ? -EIO : 0;
}

/**
 * latch_fw_query_size - ask how much there is to save
 * @mdev: the PF
 * @vhca_id: the VF
 * @incremental: ask about what changed since the last save, or is left of its
 *	series; else about everything
 * @chunk: the state is saved in chunks
 * @size: the answer
 *
 * The query changes nothing.
 *
 * Return: 0 or a negative error; -EIO if no buffer, or no state, can be so
 * large.
 */
int latch_fw_query_size(struct mlx5_core_dev *mdev, u16 vhca_id, bool incremental, bool chunk,
			struct latch_fw_size *size)
{
	u32 out[MLX5_ST_SZ_DW(latch_query_out)] = {};
	u32 in[MLX5_ST_SZ_DW(latch_query_in)] = {};
	int ret;

	MLX5_SET(latch_query_in, in, opcode, MLX5_CMD_OP_QUERY_VHCA_MIGRATION_STATE);
	MLX5_SET(latch_query_in, in, incremental, incremental);
	MLX5_SET(latch_query_in, in, chunk, chunk);
	MLX5_SET(latch_query_in, in, vhca_id, vhca_id);
	ret = latch_fw_exec(mdev, in, sizeof(in), out, sizeof(out));
	if (ret)
		return ret;
	size->required = MLX5_GET(latch_query_out, out, required_umem_size);
	size->total = chunk ? MLX5_GET64(latch_query_out, out, remaining_total_size) :
		      size->required;
	size->is_new = MLX5_GET(latch_query_out, out, migration_state) == MIGRATION_STATE_INIT;
	return check_size(size->required) ?: check_total(size->total);
}

/* Whether mlx5_core gives no commands any more. It may find that out at any time. */
static bool has_failed(struct mlx5_core_dev *mdev)
{
	return pci_channel_offline(mdev->pdev) ||
	       READ_ONCE(mdev->state) == MLX5_DEVICE_STATE_INTERNAL_ERROR;
}

/* Gives a command that works with an image. Without an answer the firmware may go on with it. */
static int use_image(struct mlx5_core_dev *mdev, struct latch_image *image, void *in,
		     size_t in_bytes, void *out, size_t out_bytes)
{
	int ret;

	if (has_failed(mdev))
		return -ENXIO;
	ret = mlx5_cmd_do(mdev, in, in_bytes, out, out_bytes);
	/* -EREMOTEIO: the answer is a bad status. */
	image->is_unanswered |= ret && ret != -EREMOTEIO;
	return ret;
}

/**
 * latch_fw_save - save a VF's state, or a part of it
 * @mdev: the PF
 * @vhca_id: the VF
 * @incremental: continue with what changed since the last save, or is left of
 *	its series; else begin anew
 * @track: note changes from now on; else stop noting them
 * @image: mapped; its length is set, and the processor may use it after this
 * @next: set to the bytes that the next save needs at least, 0 after the last one
 *
 * Return: 0 or a negative error; -EIO if no buffer can be as large as the next
 * save needs; -ESTALE if the firmware does not track the VF in its current
 * state.
 */
int latch_fw_save(struct mlx5_core_dev *mdev, u16 vhca_id, bool incremental, bool track,
		  struct latch_image *image, u32 *next)
{
	u32 out[MLX5_ST_SZ_DW(latch_save_out)] = {};
	u32 in[MLX5_ST_SZ_DW(latch_save_in)] = {};
	u32 length;
	int ret;

	latch_image_rewind(image);
	image->length = 0;
	latch_image_to_device(image);
	MLX5_SET(latch_save_in, in, opcode, MLX5_CMD_OP_SAVE_VHCA_STATE);
	MLX5_SET(latch_save_in, in, incremental, incremental);
	MLX5_SET(latch_save_in, in, set_track, track);
	MLX5_SET(latch_save_in, in, vhca_id, vhca_id);
	MLX5_SET(latch_save_in, in, mkey, image->mkey);
	MLX5_SET(latch_save_in, in, size, image->capacity);
	ret = use_image(mdev, image, in, sizeof(in), out, sizeof(out));
	if (track && ret == -EREMOTEIO &&
	    MLX5_GET(latch_save_out, out, status) == MLX5_CMD_STAT_BAD_RES_STATE_ERR)
		return -ESTALE;
	ret = check_answer(mdev, ret, in, out);
	if (ret)
		return ret;
	length = MLX5_GET(latch_save_out, out, actual_image_size);
	if (length > image->capacity)
		return -EIO;
	image->length = length;
	latch_image_to_cpu(image);
	*next = MLX5_GET(latch_save_out, out, next_required_umem_size);
	return check_size(*next);
}

/**
 * latch_fw_load - load an image into a suspended VF
 * @mdev: the PF
 * @vhca_id: the VF
 * @image: mapped, with @image->length bytes; the processor may use it after
 *	this
 *
 * Return: 0 or a negative error.
 */
int latch_fw_load(struct mlx5_core_dev *mdev, u16 vhca_id, struct latch_image *image)
{
	u32 out[MLX5_ST_SZ_DW(load_vhca_state_out)] = {};
	u32 in[MLX5_ST_SZ_DW(load_vhca_state_in)] = {};
	int ret;

	latch_image_to_device(image);
	MLX5_SET(load_vhca_state_in, in, opcode, MLX5_CMD_OP_LOAD_VHCA_STATE);
	MLX5_SET(load_vhca_state_in, in, vhca_id, vhca_id);
	MLX5_SET(load_vhca_state_in, in, mkey, image->mkey);
	MLX5_SET(load_vhca_state_in, in, size, image->length);
	ret = use_image(mdev, image, in, sizeof(in), out, sizeof(out));
	latch_image_to_cpu(image);
	return check_answer(mdev, ret, in, out);
}
