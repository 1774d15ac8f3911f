// SPDX-License-Identifier: GPL-2.0-only
/*
 * VF tokens: the user of a PF could read its VFs' data, and the user of a VF
 * could lose data to the next user of the PF. So each user of a VF must name
 * the PF's secret, and so must a user of the PF while VFs are open. It is a
 * UUID, set through the PF (VFIO_DEVICE_FEATURE_PCI_VF_TOKEN).
 *
 * A PF that one of our drivers bound has a token, in a list for its VFs to
 * find. A VF that finds one at its own registration keeps a reference. A VF's
 * PF stays bound while the VF is, since removing the PF's driver removes its
 * VFs.
 *
 * A user names the token before the open, in the same call. The open, which
 * counts, compares it again: the token may have changed meanwhile. A VF that is
 * closed because it is unbound counts until the unbind has reset it. Where a device
 * can be opened without that question (its own node, before Linux 6.17), nothing
 * is named.
 */
#include <linux/kref.h>
#include <linux/uaccess.h>

#include "core.h"

/**
 * struct latch_vf_token - the secret of a PF and its VFs
 * @node: in the list of tokens, under tokens_lock
 * @kref: the PF's reference and one for each VF
 * @pf: the PF; only compared, never followed
 * @lock: protects the members below
 * @uuid: the secret; random until a user sets it
 * @next: the one that will be, when the PF is open
 * @has_next: whether there is one
 * @users: VFs that are open, or being reset by their unbind
 * @is_unknown: the PF is open, and its user has neither named nor set the token; or it is being
 *	opened by a user who did not name it
 */
struct latch_vf_token {
	struct list_head node;
	struct kref kref;
	const struct pci_dev *pf;
	struct mutex lock;	/* see above */
	uuid_t uuid;
	uuid_t next;
	bool has_next;
	unsigned int users;
	bool is_unknown;
};

static LIST_HEAD(tokens);
static DEFINE_MUTEX(tokens_lock);

static void free_token(struct kref *kref)
{
	struct latch_vf_token *token = container_of(kref, struct latch_vf_token, kref);

	mutex_destroy(&token->lock);
	kfree(token);
}

static struct latch_vf_token *find_token(const struct pci_dev *pf)
{
	struct latch_vf_token *token, *found = NULL;

	mutex_lock(&tokens_lock);
	list_for_each_entry(token, &tokens, node) {
		if (token->pf != pf)
			continue;
		kref_get(&token->kref);
		found = token;
	}
	mutex_unlock(&tokens_lock);
	return found;
}

/**
 * latch_vf_token_init - give a PF a token, or a VF its PF's token
 * @dev: the device
 *
 * Context: probe.
 * Return: 0 or -ENOMEM.
 */
int latch_vf_token_init(struct vfio_latch_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	struct latch_vf_token *token;

	if (dev->is_vf)
		dev->vf_token = find_token(dev->physfn);
	if (!pdev->is_physfn)
		return 0;

	token = kzalloc(sizeof(*token), GFP_KERNEL);
	if (!token)
		return -ENOMEM;
	kref_init(&token->kref);
	token->pf = pdev;
	mutex_init(&token->lock);
	uuid_gen(&token->uuid);
	dev->vf_token = token;

	mutex_lock(&tokens_lock);
	list_add(&token->node, &tokens);
	mutex_unlock(&tokens_lock);
	return 0;
}

/* @uuid: the token that the process has named, or NULL. */
static void set_named(struct vfio_latch_device *dev, const uuid_t *uuid)
{
	lockdep_assert_held(&dev->vf_token->lock);

	put_pid(dev->named_by);
	dev->named_by = NULL;
	if (!uuid)
		return;
	/* The reference keeps another process from being taken for this one. */
	dev->named_by = get_pid(task_tgid(current));
	uuid_copy(&dev->named, uuid);
}

static void start_using(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->vf_token->lock);

	dev->vf_token->users += !dev->is_token_user;
	dev->is_token_user = true;
}

static void stop_using(struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->vf_token->lock);

	dev->vf_token->users -= dev->is_token_user;
	dev->is_token_user = false;
}

/**
 * latch_vf_token_free - undo latch_vf_token_init()
 * @dev: the device
 *
 * Context: remove, or a failing probe.
 */
void latch_vf_token_free(struct vfio_latch_device *dev)
{
	if (!dev->vf_token)
		return;
	if (dev->pdev->is_physfn) {
		mutex_lock(&tokens_lock);
		list_del(&dev->vf_token->node);
		mutex_unlock(&tokens_lock);
	}
	mutex_lock(&dev->vf_token->lock);
	set_named(dev, NULL);
	stop_using(dev);
	mutex_unlock(&dev->vf_token->lock);
	kref_put(&dev->vf_token->kref, free_token);
	dev->vf_token = NULL;
}

/* Whether the user who opens the device has named a token, and the present one. */
static bool has_named_any(const struct vfio_latch_device *dev)
{
	lockdep_assert_held(&dev->vf_token->lock);

	return dev->named_by == task_tgid(current);
}

static bool has_named_it(const struct vfio_latch_device *dev)
{
	return has_named_any(dev) && uuid_equal(&dev->named, &dev->vf_token->uuid);
}

/* While a PF's user is unknown, the token of an earlier one opens no VF. */
static int open_vf(struct vfio_latch_device *dev)
{
	struct latch_vf_token *token = dev->vf_token;

	if (token->is_unknown || !has_named_it(dev))
		return -EACCES;
	start_using(dev);
	return 0;
}

static int open_pf(struct vfio_latch_device *dev)
{
	struct latch_vf_token *token = dev->vf_token;

	if (token->users && !has_named_it(dev))
		return -EACCES;
	token->is_unknown = !has_named_it(dev);
	token->has_next = has_named_any(dev);
	if (token->has_next)
		uuid_copy(&token->next, &dev->named);
	return 0;
}

/**
 * latch_vf_token_open - check the token that a user has named, and count a VF's user
 * @dev: the device
 *
 * Context: first open, before the function is touched.
 * Return: 0 or -EACCES.
 */
int latch_vf_token_open(struct vfio_latch_device *dev)
{
	struct latch_vf_token *token = dev->vf_token;
	int ret;

	if (!token)
		return 0;
	mutex_lock(&token->lock);
	ret = dev->is_vf ? open_vf(dev) : open_pf(dev);
	if (!ret)
		set_named(dev, NULL);
	mutex_unlock(&token->lock);
	if (ret)
		pci_info_ratelimited(dev->pdev, "needs the present VF token\n");
	return ret;
}

/**
 * latch_vf_token_opened - what a PF's user has named becomes the token
 * @dev: the device
 *
 * Context: first open, which cannot fail any more.
 */
void latch_vf_token_opened(struct vfio_latch_device *dev)
{
	struct latch_vf_token *token = dev->vf_token;

	if (!token || dev->is_vf)
		return;
	mutex_lock(&token->lock);
	if (token->has_next) {
		uuid_copy(&token->uuid, &token->next);
		token->is_unknown = false;
	}
	mutex_unlock(&token->lock);
}

/**
 * latch_vf_token_close - undo latch_vf_token_open()
 * @dev: the device
 *
 * A VF that its unbind will reset counts until then.
 *
 * Context: last close.
 */
void latch_vf_token_close(struct vfio_latch_device *dev)
{
	struct latch_vf_token *token = dev->vf_token;

	if (!token)
		return;
	mutex_lock(&token->lock);
	if (!dev->is_vf)
		token->is_unknown = false;
	else if (!latch_unbind_resets(dev))
		stop_using(dev);
	mutex_unlock(&token->lock);
}

/* A PF whose VFs nobody uses will take any as its own; otherwise it must be the token. */
static int match_own(struct vfio_latch_device *dev, const uuid_t *uuid)
{
	struct latch_vf_token *token = dev->vf_token;
	int ret = 0;

	mutex_lock(&token->lock);
	if ((token->users || dev->is_vf) &&
	    (token->is_unknown || !uuid || !uuid_equal(uuid, &token->uuid)))
		ret = -EACCES;
	if (!ret)
		set_named(dev, uuid);
	mutex_unlock(&token->lock);
	return ret;
}

/**
 * vfio_latch_match_token_uuid - check the token that a user gives
 * @vdev: the device that the user asks for
 * @uuid: the token, or NULL for none
 *
 * A user who opens the PF while no VF is used sets the token with it, when the
 * PF is opened.
 *
 * Context: may sleep.
 * Return: 0; -EACCES for a missing or wrong token; -EINVAL for a token where
 * none is needed.
 */
int vfio_latch_match_token_uuid(struct vfio_device *vdev, const uuid_t *uuid)
{
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	int ret = 0;

	if (dev->vf_token)
		ret = match_own(dev, uuid);
	else if (uuid)
		ret = -EINVAL;
	if (ret)
		pci_info_ratelimited(dev->pdev, "%s VF token\n",
				     ret == -EINVAL ? "needs no" : uuid ? "wrong" : "needs a");
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_latch_match_token_uuid);

/**
 * vfio_latch_match - whether a user asks a group for this device
 * @vdev: the device
 * @buf: "DDDD:BB:DD.F", and after a space "vf_token=UUID" where one is needed
 *
 * Context: may sleep.
 * Return: 1, 0 if it is another device's name, -EINVAL for anything else after
 * the name, or an error of vfio_latch_match_token_uuid().
 */
int vfio_latch_match(struct vfio_device *vdev, char *buf)
{
	static const char option[] = "vf_token=";
	struct vfio_latch_device *dev = vfio_latch_from_vdev(vdev);
	size_t length = strlen(pci_name(dev->pdev));
	bool has_token = false;
	uuid_t uuid;
	int ret;

	if (strncmp(buf, pci_name(dev->pdev), length))
		return 0;
	buf += length;
	if (*buf && *buf != ' ')
		return 0;

	buf = strim(buf);
	if (*buf) {
		if (!str_has_prefix(buf, option) ||
		    strlen(buf) != sizeof(option) - 1 + UUID_STRING_LEN ||
		    uuid_parse(buf + sizeof(option) - 1, &uuid))
			return -EINVAL;
		has_token = true;
	}
	ret = vfio_latch_match_token_uuid(vdev, has_token ? &uuid : NULL);
	return ret ?: 1;
}
EXPORT_SYMBOL_GPL(vfio_latch_match);

/**
 * latch_feature_vf_token - VFIO_DEVICE_FEATURE_PCI_VF_TOKEN
 * @dev: the device
 * @flags: VFIO_DEVICE_FEATURE_*
 * @arg: user address of the UUID
 * @argsz: bytes of it
 *
 * Return: 0, -ENOTTY if the device is no PF, -EINVAL for a flag that is not
 * SET or a size below a UUID's, -EFAULT.
 */
int latch_feature_vf_token(struct vfio_latch_device *dev, u32 flags, void __user *arg,
			   size_t argsz)
{
	uuid_t uuid;
	int ret;

	if (!dev->vf_token || !dev->pdev->is_physfn)
		return -ENOTTY;
	ret = vfio_check_feature(flags, argsz, VFIO_DEVICE_FEATURE_SET, sizeof(uuid));
	if (ret != 1)
		return ret;
	if (copy_from_user(&uuid, arg, sizeof(uuid)))
		return -EFAULT;

	mutex_lock(&dev->vf_token->lock);
	uuid_copy(&dev->vf_token->uuid, &uuid);
	dev->vf_token->is_unknown = false;
	mutex_unlock(&dev->vf_token->lock);
	return 0;
}
