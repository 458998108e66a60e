    .include "head.inc"
    .thumb_func
start:
    for_each_pair
    .thumb_func
body:
    adds r2, r0, r1
    subs r2, r0, r1
    adds r2, r0, #5
    subs r2, r0, #7
    adds r2, #200
    subs r2, #255
    movs r2, #77
    cmp r0, #31
    cmp r0, r1
    cmn r0, r1
    tst r0, r1
    mov r2, r0
    adcs r2, r1
    mov r2, r0
    sbcs r2, r1
    mov r2, r0
    ands r2, r1
    mov r2, r0
    eors r2, r1
    mov r2, r0
    orrs r2, r1
    mov r2, r0
    bics r2, r1
    mvns r2, r1
    rsbs r2, r0, #0
    mov r2, r0
    muls r2, r1, r2
    lsls r2, r0, #0
    lsls r2, r0, #31
    lsrs r2, r0, #1
    lsrs r2, r0, #32
    asrs r2, r0, #3
    asrs r2, r0, #32
    mov r2, r0
    lsls r2, r1
    mov r2, r0
    lsrs r2, r1
    mov r2, r0
    asrs r2, r1
    mov r2, r0
    rors r2, r1
    add r12, r0
    cmp r12, r0
    mov r3, sp
    add r4, sp, #16
    sub sp, #24
    add sp, #24
    adr r5, operands2
    adds.w r6, r0, r1, lsl #3
    adcs.w r6, r0, r1, lsr #32
    sbcs.w r6, r0, r1, asr #7
    subs.w r6, r0, r1, ror #9
    rsbs.w r6, r0, r1, rrx
    ands.w r6, r0, r1, lsl #1
    bics.w r6, r0, r1, lsr #4
    orrs.w r6, r0, r1, asr #32
    orns.w r6, r0, r1, ror #31
    eors.w r6, r0, r1, rrx
    movs.w r6, r1, ror #5
    mvns.w r6, r1, lsl #2
    tst.w r0, r1, lsr #9
    teq.w r0, r1, ror #1
    cmn.w r0, r1, lsl #4
    cmp.w r0, r1, asr #2
    add.w r6, r0, r1, lsl #31
    sub.w r6, r0, r1
    adds.w r7, r0, #0x00AB00AB
    adcs.w r7, r0, #0xFF000000
    sbcs.w r7, r0, #0x1FE
    subs.w r7, r0, #0xABABABAB
    rsbs.w r7, r0, #0xAB00AB00
    ands.w r7, r0, #0x7F800000
    bics.w r7, r0, #0x80000000
    orrs.w r7, r0, #0x3FC
    orns.w r7, r0, #0xFF
    eors.w r7, r0, #0x55555555
    movs.w r7, #0x80000000
    mvns.w r7, #0x1FE0
    tst.w r0, #0xFF0000
    teq.w r0, #0x80000000
    cmn.w r0, #1
    cmp.w r0, #0x7F000000
    addw r7, r0, #4095
    subw r7, r0, #4095
    addw r7, pc, #8
    subw r7, pc, #8
    movw r7, #0xBEEF
    movt r7, #0xDEAD
    lsls.w r7, r0, r1
    lsrs.w r7, r0, r1
    asrs.w r7, r0, r1
    rors.w r7, r0, r1
    lsl.w r7, r0, r1
    bx lr
    .balign 4
operands2:
    .word 0
    .pool
