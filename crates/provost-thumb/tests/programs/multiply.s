    .include "head.inc"
    .thumb_func
start:
    for_each_pair
    .thumb_func
body:
    mul r2, r0, r1
    mla r2, r0, r1, r2
    mls r2, r0, r1, r2
    smlabb r2, r0, r1, r2
    smlabt r2, r0, r1, r2
    smlatb r2, r0, r1, r2
    smlatt r2, r0, r1, r2
    smulbb r3, r0, r1
    smulbt r3, r0, r1
    smultb r3, r0, r1
    smultt r3, r0, r1
    smlad r2, r0, r1, r2
    smladx r2, r0, r1, r2
    smuad r3, r0, r1
    smuadx r3, r0, r1
    smlawb r2, r0, r1, r2
    smlawt r2, r0, r1, r2
    smulwb r3, r0, r1
    smulwt r3, r0, r1
    smlsd r2, r0, r1, r2
    smlsdx r2, r0, r1, r2
    smusd r3, r0, r1
    smusdx r3, r0, r1
    smmla r2, r0, r1, r2
    smmlar r2, r0, r1, r2
    smmul r3, r0, r1
    smmulr r3, r0, r1
    smmls r2, r0, r1, r2
    smmlsr r2, r0, r1, r2
    usad8 r3, r0, r1
    usada8 r2, r0, r1, r2
    smull r2, r3, r0, r1
    umull r4, r5, r0, r1
    smlal r2, r3, r0, r1
    umlal r2, r3, r0, r1
    umaal r2, r3, r0, r1
    smlalbb r2, r3, r0, r1
    smlalbt r2, r3, r0, r1
    smlaltb r2, r3, r0, r1
    smlaltt r2, r3, r0, r1
    smlald r2, r3, r0, r1
    smlaldx r2, r3, r0, r1
    smlsld r2, r3, r0, r1
    smlsldx r2, r3, r0, r1
    sdiv r4, r0, r1
    udiv r5, r0, r1
    msr apsr_nzcvqg, r0
    mrs r6, apsr
    bx lr
    .pool
