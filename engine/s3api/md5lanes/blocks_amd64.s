#include "textflag.h"

// The lanes: dword i of a register is of stream i. Z0 to Z3 are the state, Z4 to Z7 what it was
// before the block, Z8 to Z11 temporary, Z16 to Z31 first row i of the block, the 16 words of
// stream i, then, transposed, word i of all streams.

// ROW loads row i. Rows are not gathered: that takes a load for each dword.
#define ROW(i, z) \
	MOVQ      (8*i)(BX), AX \
	VMOVDQU32 (AX)(SI*1), z

// WORDS4 turns four rows into words: of each 128 bits, dword j of row i becomes dword i of row j.
#define WORDS4(r0, r1, r2, r3) \
	VPUNPCKLDQ  r1, r0, Z8 \
	VPUNPCKHDQ  r1, r0, Z9 \
	VPUNPCKLDQ  r3, r2, Z10 \
	VPUNPCKHDQ  r3, r2, Z11 \
	VPUNPCKLQDQ Z10, Z8, r0 \
	VPUNPCKHQDQ Z10, Z8, r1 \
	VPUNPCKLQDQ Z11, Z9, r2 \
	VPUNPCKHQDQ Z11, Z9, r3

// LANES4 does the same with 128 bits in the place of dwords.
#define LANES4(r0, r1, r2, r3) \
	VSHUFI32X4 $0x88, r1, r0, Z8 \
	VSHUFI32X4 $0xdd, r1, r0, Z9 \
	VSHUFI32X4 $0x88, r3, r2, Z10 \
	VSHUFI32X4 $0xdd, r3, r2, Z11 \
	VSHUFI32X4 $0x88, Z10, Z8, r0 \
	VSHUFI32X4 $0x88, Z11, Z9, r1 \
	VSHUFI32X4 $0xdd, Z10, Z8, r2 \
	VSHUFI32X4 $0xdd, Z11, Z9, r3

// STEP is a = b + ((a + f(b, c, d) + word + constant i) <<< shift) of RFC 1321. All but four
// operations are off the chain from step to step.
#define STEP(f, a, b, c, d, word, shift, i) \
	VPADDD.BCST (4*i)(DX), word, Z9 \
	VMOVDQA32   d, Z8 \
	VPADDD      Z9, a, a \
	VPTERNLOGD  f, c, b, Z8 \
	VPADDD      Z8, a, a \
	VPROLD      shift, a, a \
	VPADDD      b, a, a

// The functions of RFC 1321 as truth tables over d, b and c.
#define F $0xb8 // b ? c : d
#define G $0xca // d ? b : c
#define H $0x96 // b ^ c ^ d
#define I $0x65 // c ^ (b | ^d)

// func blocks(s *state, rows *[width]*byte, n int)
TEXT ·blocks(SB), NOSPLIT, $0-24
	MOVQ s+0(FP), DI
	MOVQ rows+8(FP), BX
	MOVQ n+16(FP), CX
	LEAQ ·sines(SB), DX
	XORQ SI, SI

	VMOVDQU32 (0*64)(DI), Z0
	VMOVDQU32 (1*64)(DI), Z1
	VMOVDQU32 (2*64)(DI), Z2
	VMOVDQU32 (3*64)(DI), Z3

next:
	VMOVDQA32 Z0, Z4
	VMOVDQA32 Z1, Z5
	VMOVDQA32 Z2, Z6
	VMOVDQA32 Z3, Z7

	ROW(0, Z16)
	ROW(1, Z17)
	ROW(2, Z18)
	ROW(3, Z19)
	ROW(4, Z20)
	ROW(5, Z21)
	ROW(6, Z22)
	ROW(7, Z23)
	ROW(8, Z24)
	ROW(9, Z25)
	ROW(10, Z26)
	ROW(11, Z27)
	ROW(12, Z28)
	ROW(13, Z29)
	ROW(14, Z30)
	ROW(15, Z31)

	WORDS4(Z16, Z17, Z18, Z19)
	WORDS4(Z20, Z21, Z22, Z23)
	WORDS4(Z24, Z25, Z26, Z27)
	WORDS4(Z28, Z29, Z30, Z31)
	LANES4(Z16, Z20, Z24, Z28)
	LANES4(Z17, Z21, Z25, Z29)
	LANES4(Z18, Z22, Z26, Z30)
	LANES4(Z19, Z23, Z27, Z31)

	STEP(F, Z0, Z1, Z2, Z3, Z16, $7, 0)
	STEP(F, Z3, Z0, Z1, Z2, Z17, $12, 1)
	STEP(F, Z2, Z3, Z0, Z1, Z18, $17, 2)
	STEP(F, Z1, Z2, Z3, Z0, Z19, $22, 3)
	STEP(F, Z0, Z1, Z2, Z3, Z20, $7, 4)
	STEP(F, Z3, Z0, Z1, Z2, Z21, $12, 5)
	STEP(F, Z2, Z3, Z0, Z1, Z22, $17, 6)
	STEP(F, Z1, Z2, Z3, Z0, Z23, $22, 7)
	STEP(F, Z0, Z1, Z2, Z3, Z24, $7, 8)
	STEP(F, Z3, Z0, Z1, Z2, Z25, $12, 9)
	STEP(F, Z2, Z3, Z0, Z1, Z26, $17, 10)
	STEP(F, Z1, Z2, Z3, Z0, Z27, $22, 11)
	STEP(F, Z0, Z1, Z2, Z3, Z28, $7, 12)
	STEP(F, Z3, Z0, Z1, Z2, Z29, $12, 13)
	STEP(F, Z2, Z3, Z0, Z1, Z30, $17, 14)
	STEP(F, Z1, Z2, Z3, Z0, Z31, $22, 15)

	STEP(G, Z0, Z1, Z2, Z3, Z17, $5, 16)
	STEP(G, Z3, Z0, Z1, Z2, Z22, $9, 17)
	STEP(G, Z2, Z3, Z0, Z1, Z27, $14, 18)
	STEP(G, Z1, Z2, Z3, Z0, Z16, $20, 19)
	STEP(G, Z0, Z1, Z2, Z3, Z21, $5, 20)
	STEP(G, Z3, Z0, Z1, Z2, Z26, $9, 21)
	STEP(G, Z2, Z3, Z0, Z1, Z31, $14, 22)
	STEP(G, Z1, Z2, Z3, Z0, Z20, $20, 23)
	STEP(G, Z0, Z1, Z2, Z3, Z25, $5, 24)
	STEP(G, Z3, Z0, Z1, Z2, Z30, $9, 25)
	STEP(G, Z2, Z3, Z0, Z1, Z19, $14, 26)
	STEP(G, Z1, Z2, Z3, Z0, Z24, $20, 27)
	STEP(G, Z0, Z1, Z2, Z3, Z29, $5, 28)
	STEP(G, Z3, Z0, Z1, Z2, Z18, $9, 29)
	STEP(G, Z2, Z3, Z0, Z1, Z23, $14, 30)
	STEP(G, Z1, Z2, Z3, Z0, Z28, $20, 31)

	STEP(H, Z0, Z1, Z2, Z3, Z21, $4, 32)
	STEP(H, Z3, Z0, Z1, Z2, Z24, $11, 33)
	STEP(H, Z2, Z3, Z0, Z1, Z27, $16, 34)
	STEP(H, Z1, Z2, Z3, Z0, Z30, $23, 35)
	STEP(H, Z0, Z1, Z2, Z3, Z17, $4, 36)
	STEP(H, Z3, Z0, Z1, Z2, Z20, $11, 37)
	STEP(H, Z2, Z3, Z0, Z1, Z23, $16, 38)
	STEP(H, Z1, Z2, Z3, Z0, Z26, $23, 39)
	STEP(H, Z0, Z1, Z2, Z3, Z29, $4, 40)
	STEP(H, Z3, Z0, Z1, Z2, Z16, $11, 41)
	STEP(H, Z2, Z3, Z0, Z1, Z19, $16, 42)
	STEP(H, Z1, Z2, Z3, Z0, Z22, $23, 43)
	STEP(H, Z0, Z1, Z2, Z3, Z25, $4, 44)
	STEP(H, Z3, Z0, Z1, Z2, Z28, $11, 45)
	STEP(H, Z2, Z3, Z0, Z1, Z31, $16, 46)
	STEP(H, Z1, Z2, Z3, Z0, Z18, $23, 47)

	STEP(I, Z0, Z1, Z2, Z3, Z16, $6, 48)
	STEP(I, Z3, Z0, Z1, Z2, Z23, $10, 49)
	STEP(I, Z2, Z3, Z0, Z1, Z30, $15, 50)
	STEP(I, Z1, Z2, Z3, Z0, Z21, $21, 51)
	STEP(I, Z0, Z1, Z2, Z3, Z28, $6, 52)
	STEP(I, Z3, Z0, Z1, Z2, Z19, $10, 53)
	STEP(I, Z2, Z3, Z0, Z1, Z26, $15, 54)
	STEP(I, Z1, Z2, Z3, Z0, Z17, $21, 55)
	STEP(I, Z0, Z1, Z2, Z3, Z24, $6, 56)
	STEP(I, Z3, Z0, Z1, Z2, Z31, $10, 57)
	STEP(I, Z2, Z3, Z0, Z1, Z22, $15, 58)
	STEP(I, Z1, Z2, Z3, Z0, Z29, $21, 59)
	STEP(I, Z0, Z1, Z2, Z3, Z20, $6, 60)
	STEP(I, Z3, Z0, Z1, Z2, Z27, $10, 61)
	STEP(I, Z2, Z3, Z0, Z1, Z18, $15, 62)
	STEP(I, Z1, Z2, Z3, Z0, Z25, $21, 63)

	VPADDD Z4, Z0, Z0
	VPADDD Z5, Z1, Z1
	VPADDD Z6, Z2, Z2
	VPADDD Z7, Z3, Z3
	ADDQ   $64, SI
	DECQ   CX
	JNZ    next

	VMOVDQU32 Z0, (0*64)(DI)
	VMOVDQU32 Z1, (1*64)(DI)
	VMOVDQU32 Z2, (2*64)(DI)
	VMOVDQU32 Z3, (3*64)(DI)
	VZEROUPPER
	RET

// The constants of RFC 1321: 2^32 times |sin(i+1)|.
DATA ·sines+0(SB)/4, $0xd76aa478
DATA ·sines+4(SB)/4, $0xe8c7b756
DATA ·sines+8(SB)/4, $0x242070db
DATA ·sines+12(SB)/4, $0xc1bdceee
DATA ·sines+16(SB)/4, $0xf57c0faf
DATA ·sines+20(SB)/4, $0x4787c62a
DATA ·sines+24(SB)/4, $0xa8304613
DATA ·sines+28(SB)/4, $0xfd469501
DATA ·sines+32(SB)/4, $0x698098d8
DATA ·sines+36(SB)/4, $0x8b44f7af
DATA ·sines+40(SB)/4, $0xffff5bb1
DATA ·sines+44(SB)/4, $0x895cd7be
DATA ·sines+48(SB)/4, $0x6b901122
DATA ·sines+52(SB)/4, $0xfd987193
DATA ·sines+56(SB)/4, $0xa679438e
DATA ·sines+60(SB)/4, $0x49b40821
DATA ·sines+64(SB)/4, $0xf61e2562
DATA ·sines+68(SB)/4, $0xc040b340
DATA ·sines+72(SB)/4, $0x265e5a51
DATA ·sines+76(SB)/4, $0xe9b6c7aa
DATA ·sines+80(SB)/4, $0xd62f105d
DATA ·sines+84(SB)/4, $0x02441453
DATA ·sines+88(SB)/4, $0xd8a1e681
DATA ·sines+92(SB)/4, $0xe7d3fbc8
DATA ·sines+96(SB)/4, $0x21e1cde6
DATA ·sines+100(SB)/4, $0xc33707d6
DATA ·sines+104(SB)/4, $0xf4d50d87
DATA ·sines+108(SB)/4, $0x455a14ed
DATA ·sines+112(SB)/4, $0xa9e3e905
DATA ·sines+116(SB)/4, $0xfcefa3f8
DATA ·sines+120(SB)/4, $0x676f02d9
DATA ·sines+124(SB)/4, $0x8d2a4c8a
DATA ·sines+128(SB)/4, $0xfffa3942
DATA ·sines+132(SB)/4, $0x8771f681
DATA ·sines+136(SB)/4, $0x6d9d6122
DATA ·sines+140(SB)/4, $0xfde5380c
DATA ·sines+144(SB)/4, $0xa4beea44
DATA ·sines+148(SB)/4, $0x4bdecfa9
DATA ·sines+152(SB)/4, $0xf6bb4b60
DATA ·sines+156(SB)/4, $0xbebfbc70
DATA ·sines+160(SB)/4, $0x289b7ec6
DATA ·sines+164(SB)/4, $0xeaa127fa
DATA ·sines+168(SB)/4, $0xd4ef3085
DATA ·sines+172(SB)/4, $0x04881d05
DATA ·sines+176(SB)/4, $0xd9d4d039
DATA ·sines+180(SB)/4, $0xe6db99e5
DATA ·sines+184(SB)/4, $0x1fa27cf8
DATA ·sines+188(SB)/4, $0xc4ac5665
DATA ·sines+192(SB)/4, $0xf4292244
DATA ·sines+196(SB)/4, $0x432aff97
DATA ·sines+200(SB)/4, $0xab9423a7
DATA ·sines+204(SB)/4, $0xfc93a039
DATA ·sines+208(SB)/4, $0x655b59c3
DATA ·sines+212(SB)/4, $0x8f0ccc92
DATA ·sines+216(SB)/4, $0xffeff47d
DATA ·sines+220(SB)/4, $0x85845dd1
DATA ·sines+224(SB)/4, $0x6fa87e4f
DATA ·sines+228(SB)/4, $0xfe2ce6e0
DATA ·sines+232(SB)/4, $0xa3014314
DATA ·sines+236(SB)/4, $0x4e0811a1
DATA ·sines+240(SB)/4, $0xf7537e82
DATA ·sines+244(SB)/4, $0xbd3af235
DATA ·sines+248(SB)/4, $0x2ad7d2bb
DATA ·sines+252(SB)/4, $0xeb86d391
GLOBL ·sines(SB), RODATA|NOPTR, $256
