    .include "head.inc"
    .thumb_func
start:
    for_each_pair
    .thumb_func
body:
    sxth r2, r0
    sxtb r2, r0
    uxth r2, r0
    uxtb r2, r0
    rev r2, r0
    rev16 r2, r0
    revsh r2, r0
    sxtah r2, r0, r1, ror #8
    uxtah r2, r0, r1, ror #16
    sxtab16 r2, r0, r1, ror #24
    uxtab16 r2, r0, r1
    sxtab r2, r0, r1, ror #8
    uxtab r2, r0, r1
    sxth.w r2, r1, ror #8
    uxtb16 r2, r1, ror #8
    sxtb16 r2, r1
    rbit r2, r0
    rev.w r9, r9
    rev.w r9, r9
    clz r2, r0
    qadd r2, r0, r1
    qdadd r2, r0, r1
    qsub r2, r0, r1
    qdsub r2, r0, r1
    ssat r2, #1, r0
    ssat r2, #17, r0, lsl #3
    ssat r2, #32, r0, asr #9
    usat r2, #0, r0
    usat r2, #31, r0, lsl #1
    usat r2, #8, r0, asr #31
    ssat16 r2, #9, r0
    usat16 r2, #15, r0
    sbfx r2, r0, #3, #29
    ubfx r2, r0, #31, #1
    ubfx r2, r0, #0, #32
    bfi r2, r0, #5, #20
    bfc r2, #0, #9
    pkhbt r2, r0, r1, lsl #4
    pkhtb r2, r0, r1, asr #32
    sadd16 r2, r0, r1
    sel r3, r0, r1
    sadd8 r2, r0, r1
    sel r3, r0, r1
    ssub16 r2, r0, r1
    sel r3, r0, r1
    ssub8 r2, r0, r1
    sel r3, r0, r1
    sasx r2, r0, r1
    sel r3, r0, r1
    ssax r2, r0, r1
    sel r3, r0, r1
    uadd16 r2, r0, r1
    sel r3, r0, r1
    uadd8 r2, r0, r1
    sel r3, r0, r1
    usub16 r2, r0, r1
    sel r3, r0, r1
    usub8 r2, r0, r1
    sel r3, r0, r1
    uasx r2, r0, r1
    sel r3, r0, r1
    usax r2, r0, r1
    sel r3, r0, r1
    qadd16 r2, r0, r1
    qadd8 r2, r0, r1
    qsub16 r2, r0, r1
    qsub8 r2, r0, r1
    qasx r2, r0, r1
    qsax r2, r0, r1
    shadd16 r2, r0, r1
    shadd8 r2, r0, r1
    shsub16 r2, r0, r1
    shsub8 r2, r0, r1
    shasx r2, r0, r1
    shsax r2, r0, r1
    uqadd16 r2, r0, r1
    uqadd8 r2, r0, r1
    uqsub16 r2, r0, r1
    uqsub8 r2, r0, r1
    uqasx r2, r0, r1
    uqsax r2, r0, r1
    uhadd16 r2, r0, r1
    uhadd8 r2, r0, r1
    uhsub16 r2, r0, r1
    uhsub8 r2, r0, r1
    uhasx r2, r0, r1
    uhsax r2, r0, r1
    bx lr
    .pool
