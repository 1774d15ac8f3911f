/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef INTEL_GRAPHICS_H
#define INTEL_GRAPHICS_H

/* intel_graphics.c APIs: */
void intel_graphics_register_type(void);

#endif
