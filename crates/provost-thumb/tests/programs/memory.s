    .include "head.inc"
    .thumb_func
start:
    ldr r0, =0x38001000
    ldr r1, =0x89ABCDEF
    ldr r2, =0x01234567
    movs r3, #8
    str r1, [r0]
    str r2, [r0, #124]
    strh r1, [r0, #62]
    strb r1, [r0, #31]
    ldr r4, [r0, #28]
    ldr r4, [r0, #124]
    ldrh r4, [r0, #62]
    ldrb r4, [r0, #31]
    str r2, [r0, r3]
    strh r1, [r0, r3]
    strb r2, [r0, r3]
    ldrsb r4, [r0, r3]
    ldr r4, [r0, r3]
    ldrh r4, [r0, r3]
    ldrb r4, [r0, r3]
    ldrsh r4, [r0, r3]
    sub sp, #16
    str r1, [sp, #8]
    ldr r5, [sp, #8]
    add sp, #16
    push {r0-r3, lr}
    pop {r4-r7}
    pop {r7}
    stmia r0!, {r1, r2, r3}
    subs r0, #12
    ldmia r0!, {r4, r5, r6}
    subs r0, #12
    movs r7, r0
    ldmia r7, {r4, r5, r7}
    @ 32 bits.
    str.w r2, [r0, #4095]
    ldr.w r4, [r0, #4095]
    ldrsh.w r4, [r0, #2]
    ldrsb.w r4, [r0, #3]
    str r1, [r0, #-4]
    ldr r4, [r0, #-4]
    str r2, [r0, #4]!
    ldr r4, [r0], #-4
    ldrh r4, [r0, #1]!
    ldrsb r4, [r0], #-1
    strb r2, [r0], #1
    strh r2, [r0, #-1]!
    str.w r1, [r0, r3, lsl #3]
    ldr.w r4, [r0, r3, lsl #3]
    ldrsh.w r4, [r0, r3, lsl #3]
    ldrt r4, [r0, #8]
    ldr.w r4, literal
    ldrh.w r4, literal
    ldrsb.w r4, literal
    @ Across words.
    str.w r2, [r0, #1]
    ldr.w r4, [r0, #3]
    ldrh.w r4, [r0, #3]
    strh.w r1, [r0, #7]
    ldrd r4, r5, [r0, #8]
    strd r1, r2, [r0, #16]!
    ldrd r4, r5, [r0], #-16
    ldrd r4, r5, literal
    stmia.w r0!, {r1, r2, r8, lr}
    ldmdb.w r0!, {r4, r5, r6, r7}
    stmdb.w r0!, {r1, r3, r12}
    ldmia.w r0, {r4, r5, r6}
    ldmia.w r0!, {r4, r5, r12}
    pld [r0]
    @ Exclusive and ordered.
    ldrex r4, [r0, #4]
    strex r5, r1, [r0, #4]
    strex r5, r2, [r0, #4]
    ldrexb r4, [r0]
    strexb r5, r2, [r0]
    ldrexh r4, [r0]
    clrex
    strexh r5, r2, [r0]
    stl r1, [r0]
    stlh r2, [r0]
    stlb r1, [r0]
    lda r4, [r0]
    ldah r4, [r0]
    ldab r4, [r0]
    ldaex r4, [r0]
    stlex r5, r2, [r0]
    ldaexb r4, [r0]
    stlexb r5, r1, [r0]
    ldaexh r4, [r0]
    stlexh r5, r1, [r0]
    ldr r4, [r0]
    b finish
    .balign 4
literal:
    .word 0xFEDCBA98, 0x76543210
    .pool
