    .include "head.inc"
    .thumb_func
start:
    movs r0, #0
    movs r4, #0
1:  adds r0, #1
    cmp r0, #6
    itt lt
    addlt r4, #1
    lsllt r4, r4, #1
    ite gt
    movgt r5, #1
    movle r5, #2
    itete eq
    addseq r5, r5, #3
    cmpne r5, #2
    moveq r6, #4
    movne r6, #5
    it hi
    addshi r7, r7, #1
    cmp r0, #9
    bne 1b
    movs r0, #3
2:  subs r0, #1
    cbz r0, 3f
    cbnz r0, 12f
    nop
12: nop
    b 2b
    nop
3:  ldr r1, =conditions
    movs r0, #0
4:  ldr r2, [r1, r0, lsl #2]
    msr apsr_nzcvq, r2
    beq.n 5f
    bcs.w 6f
    bmi.n 7f
    bvs.w 8f
5:  bhi.n 6f
    bge.w 7f
6:  bgt.n 7f
    bls.w 8f
7:  blt.n 8f
    ble.n 8f
    nop
8:  adds r0, #1
    cmp r0, #16
    bne 4b
    movs r0, #0
    movs r2, #2
9:  tbb [pc, r0]
table:
    .byte (first - table) / 2, (second - table) / 2
first:
    adds r0, #1
    b 9b
second:
    movs r0, #1
10: tbh [pc, r0, lsl #1]
table2:
    .hword (third - table2) / 2, (fourth - table2) / 2
third:
    b 11f
fourth:
    subs r0, #1
    b 10b
11: bl routine
    ldr r3, =routine + 1
    blx r3
    mov r3, lr
    ldr r0, =far + 1
    bx r0
back:
    mrs r0, msp
    msr psp, r0
    movs r1, #2
    msr control, r1
    isb
    push {r0, r1}
    pop {r2, r3}
    mrs r2, psp
    mrs r3, control
    cpsid i
    mrs r3, primask
    cpsie i
    movs r1, #0x60
    msr basepri, r1
    movs r1, #0x40
    msr basepri_max, r1
    movs r1, #0x80
    msr basepri_max, r1
    mrs r3, basepri
    movs r1, #0
    msr basepri, r1
    svc 7
    mrs r2, ipsr
    movs r1, #0
    msr control, r1
    isb
    ldr r0, =0x38000100
    svc 9
    udf 1
    movs r6, #66
    udf.w 2
    dsb
    dmb
    nop.w
    sev
    yield
    b finish
    .thumb_func
service:
    mrs r2, ipsr
    mrs r3, xpsr
    movs r1, #99
    mov r4, lr
    bx lr
    .thumb_func
fault:
    @ Steps over the instruction that faulted: its return address is the seventh word of the frame.
    tst lr, #4
    ite eq
    mrseq r0, msp
    mrsne r0, psp
    ldr r1, [r0, #24]
    ldrh r2, [r1]
    lsrs r2, r2, #11
    adds r1, #2
    cmp r2, #29
    it hs
    addhs r1, #2
    str r1, [r0, #24]
    push {lr}
    pop {pc}
    .thumb_func
routine:
    push {r4, lr}
    adds r4, #1
    pop {r4, pc}
    .pool
    .balign 4
conditions:
    .word 0x00000000, 0x10000000, 0x20000000, 0x30000000, 0x40000000, 0x50000000, 0x60000000, 0x70000000
    .word 0x80000000, 0x90000000, 0xA0000000, 0xB0000000, 0xC0000000, 0xD0000000, 0xE0000000, 0xF8000000
    .space 3000
    .thumb_func
far:
    ldr r1, =back + 1
    mov pc, r1
    .pool
