/* SPDX-License-Identifier: GPL-2.0-only */
/* What a multiboot loader (QEMU's -kernel) looks for, and a stack. */
#define MAGIC 0x1badb002

	.text
	.align 4
	.long MAGIC, 0, -MAGIC

	.globl _start
_start:
	mov $stack_end, %esp
	call guest_main
1:	hlt
	jmp 1b

	.bss
	.align 16
	.skip 16384
stack_end:

	.section .note.GNU-stack, "", @progbits
