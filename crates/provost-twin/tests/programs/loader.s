@ A flash loader as debuggers bring one: erases sector R3 of bank 1, then programs R2 quad-words from R1 to R0 through the non-secure
@ registers. At its end R0 holds NSSR.
    .syntax unified
    .cpu cortex-m33
    .thumb
    .text
    ldr r4, =0x40022000
    ldr r5, =0x45670123
    str r5, [r4, #0x04]
    ldr r5, =0xCDEF89AB
    str r5, [r4, #0x04]
    lsls r3, r3, #6
    adds r3, #0x24
    str r3, [r4, #0x28]
1:  ldr r5, [r4, #0x20]
    lsls r5, r5, #31
    bne 1b
    movs r5, #2
    str r5, [r4, #0x28]
2:  ldmia.w r1!, {r5, r6, r7, r8}
    stmia.w r0!, {r5, r6, r7, r8}
3:  ldr r5, [r4, #0x20]
    lsls r5, r5, #31
    bne 3b
    subs r2, #1
    bne 2b
    movs r5, #0
    str r5, [r4, #0x28]
    ldr r0, [r4, #0x20]
    bkpt 0
    .pool
