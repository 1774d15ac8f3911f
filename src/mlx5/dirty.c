// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO's DMA logging: which pages a VF wrote, by the firmware's page tracker.
 *
 * Telling the user may wait for user memory, without a bound (newer kernels pin
 * the user's bitmap where it is written to). So it is done under log_mutex,
 * which only the user's own requests take, killably; the tracker is used under
 * state_mutex, inside. While that is released, the PF's driver may take the
 * firmware away: then the report fails. The user's requests for another state
 * take log_mutex as well, so that no command of theirs comes during a report.
 */
#include <linux/limits.h>
#include <linux/lockdep.h>

#include "../compat/mlx5.h"
#include "mlx5.h"
#include "tracker.h"

/* Newer kernels have iova_bitmap_set() in this namespace. */
MODULE_INFO(import_ns, "IOMMUFD");

static int may_not_start(const struct latch_mlx5_device *dev)
{
	if (!latch_mlx5_has_pf(dev))
		return -ENOTCONN;
	return dev->log_active ? -EINVAL : 0;
}

static void set_tracker(struct latch_mlx5_device *dev, struct latch_mlx5_tracker *tracker)
{
	lockdep_assert_held(&dev->state_mutex);
	spin_lock(&dev->tracker_lock);
	dev->tracker = tracker;
	spin_unlock(&dev->tracker_lock);
}

static int start(struct latch_mlx5_device *dev, struct latch_mlx5_tracker *tracker)
{
	int ret = may_not_start(dev) ?: latch_mlx5_tracker_create(tracker, dev->vhca_id);

	if (ret)
		return ret;
	set_tracker(dev, tracker);
	WRITE_ONCE(dev->log_failed, false);
	WRITE_ONCE(dev->log_active, true);
	return 0;
}

/* Allocates with state_mutex released: the user's memory cgroup may make the allocation wait. */
static int alloc_and_start(struct latch_mlx5_device *dev, struct rb_root_cached *ranges,
			   u32 nr_ranges, u64 *page_size)
{
	struct latch_mlx5_tracker_plan plan;
	struct latch_mlx5_tracker *tracker;
	int ret;

	lockdep_assert_held(&dev->log_mutex);

	latch_mlx5_state_lock(dev);
	ret = may_not_start(dev);
	if (!ret)
		latch_mlx5_tracker_plan(dev->mdev, *page_size, &plan);
	latch_mlx5_state_unlock(dev);
	if (ret)
		return ret;
	tracker = latch_mlx5_tracker_alloc(dev->mdev, &plan, ranges, nr_ranges, &dev->state_mutex);
	if (IS_ERR(tracker))
		return PTR_ERR(tracker);
	latch_mlx5_state_lock(dev);
	ret = start(dev, tracker);
	latch_mlx5_state_unlock(dev);
	if (ret)
		latch_mlx5_tracker_free(tracker);
	else
		*page_size = BIT_ULL(plan.log_page_bytes);
	return ret;
}

static int log_start(struct vfio_device *vdev, struct rb_root_cached *ranges, u32 nr_ranges,
		     u64 *page_size)
{
	struct latch_mlx5_device *dev = latch_mlx5_from_vdev(vdev);
	int ret;

	if (mutex_lock_killable(&dev->log_mutex))
		return -EINTR;
	ret = alloc_and_start(dev, ranges, nr_ranges, page_size);
	mutex_unlock(&dev->log_mutex);
	return ret;
}

/* Returns why the tracker cannot be used, or 0. */
static int not_logging(const struct latch_mlx5_device *dev)
{
	lockdep_assert_held(&dev->state_mutex);
	if (READ_ONCE(dev->mdev_detach))
		return -ENOTCONN;
	return dev->log_active ? 0 : -EINVAL;
}

/* If nothing is logged there is nothing to stop: the PF's driver may have gone away. */
static int log_stop(struct vfio_device *vdev)
{
	struct latch_mlx5_device *dev = latch_mlx5_from_vdev(vdev);

	if (mutex_lock_killable(&dev->log_mutex))
		return -EINTR;
	latch_mlx5_state_lock(dev);
	latch_mlx5_dirty_end(dev);
	latch_mlx5_state_unlock(dev);
	mutex_unlock(&dev->log_mutex);
	return 0;
}

/* During a report only the PF's driver ends the logging; it may be back already. */
static int next_pages(struct latch_mlx5_device *dev, struct latch_mlx5_report *report)
{
	int ret;

	if (!dev->log_active)
		return -ENOTCONN;
	ret = latch_mlx5_report_next(report, dev->tracker);
	if (ret < 0)
		WRITE_ONCE(dev->log_failed, true);
	return ret;
}

/* Sets @report if logging is active; the caller puts it. */
static int first_pages(struct latch_mlx5_device *dev, unsigned long iova, unsigned long length,
		       struct latch_mlx5_report **report)
{
	int ret = not_logging(dev);

	if (ret)
		return ret;
	*report = latch_mlx5_report_get(dev->tracker);
	ret = latch_mlx5_report_begin(*report, dev->tracker, iova, length);
	if (ret)
		WRITE_ONCE(dev->log_failed, true);
	return ret ?: next_pages(dev, *report);
}

/* Called without state_mutex. */
static void tell(struct latch_mlx5_device *dev, struct latch_mlx5_report *report,
		 struct iova_bitmap *dirty)
{
	unsigned int strays;

	lockdep_assert_held(&dev->log_mutex);
	strays = latch_mlx5_report_tell(report, dirty);
	if (strays)
		dev_warn_ratelimited(&dev->core.pdev->dev,
				     "a page tracker reports %u addresses that nobody asked for: left out\n",
				     strays);
}

static int log_read_and_clear(struct vfio_device *vdev, unsigned long iova, unsigned long length,
			      struct iova_bitmap *dirty)
{
	struct latch_mlx5_device *dev = latch_mlx5_from_vdev(vdev);
	struct latch_mlx5_report *report = NULL;
	int ret;

	/* vfio accepts lengths of 0, and rounds a length up to whole pages of any size. */
	if (!length || length - 1 > ULONG_MAX - iova)
		return -EINVAL;
	if (mutex_lock_killable(&dev->log_mutex))
		return -EINTR;
	latch_mlx5_state_lock(dev);
	ret = first_pages(dev, iova, length, &report);
	while (ret > 0) {
		latch_mlx5_state_unlock(dev);
		tell(dev, report, dirty);
		cond_resched();
		latch_mlx5_state_lock(dev);
		ret = next_pages(dev, report);
	}
	latch_mlx5_state_unlock(dev);
	if (report)
		latch_mlx5_report_put(report);
	mutex_unlock(&dev->log_mutex);
	return ret;
}

static const struct vfio_log_ops log_ops = {
	.log_start = log_start,
	.log_stop = log_stop,
	.log_read_and_clear = log_read_and_clear,
};

/**
 * latch_mlx5_dirty_probe - offer DMA logging if it works
 * @dev: the device, not registered yet; its PF's driver is there
 */
void latch_mlx5_dirty_probe(struct latch_mlx5_device *dev)
{
	if (!latch_mlx5_tracker_supported(dev->mdev))
		return;
	if (!compat_can_log_dma()) {
		pr_info_once("mlx5-vfio-pci: this kernel's vfio cannot report logged DMA (CONFIG_IOMMUFD_DRIVER): not offered\n");
		return;
	}
	dev->track_cap = true;
	dev->core.vdev.log_ops = &log_ops;
}

/**
 * latch_mlx5_dirty_interrupt - let no report wait for the firmware any more
 * @dev: the device, whose mdev_detach is set: a tracker that comes after this reports nothing
 *
 * The report that waits holds state_mutex, which the caller wants.
 */
void latch_mlx5_dirty_interrupt(struct latch_mlx5_device *dev)
{
	lockdep_assert_not_held(&dev->state_mutex);
	spin_lock(&dev->tracker_lock);
	if (dev->tracker)
		latch_mlx5_tracker_interrupt(dev->tracker);
	spin_unlock(&dev->tracker_lock);
}

/**
 * latch_mlx5_dirty_end - stop DMA logging, if it was started
 * @dev: the device
 */
void latch_mlx5_dirty_end(struct latch_mlx5_device *dev)
{
	struct latch_mlx5_tracker *tracker = dev->tracker;

	lockdep_assert_held(&dev->state_mutex);
	if (!dev->log_active)
		return;
	WRITE_ONCE(dev->log_active, false);
	WRITE_ONCE(dev->log_failed, false);
	set_tracker(dev, NULL);
	latch_mlx5_tracker_destroy(tracker);
}

/**
 * latch_mlx5_dirty_state - the state of DMA logging, for sysfs
 * @dev: the device; state_mutex need not be held
 *
 * Return: a word.
 */
const char *latch_mlx5_dirty_state(const struct latch_mlx5_device *dev)
{
	if (!READ_ONCE(dev->log_active))
		return "off";
	return READ_ONCE(dev->log_failed) ? "error" : "on";
}
