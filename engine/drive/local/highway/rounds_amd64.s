#include "textflag.h"

// Two sets of registers, each with two messages side by side. Their instructions take turns, since
// one set alone would wait for its products most of the time.
//
//	Z0 v0  Z1 v1  Z2 mul0  Z3 mul1    messages 0 and 1, packet in Z8
//	Z4 v0  Z5 v1  Z6 mul0  Z7 mul1    messages 2 and 3, packet in Z9

// zipper is the order of bytes of the paper's zipper merge, for 16 bytes of v0 or v1.
DATA ·zipper+0(SB)/8, $0x000f010e05020c03
DATA ·zipper+8(SB)/8, $0x070806090d0a040b
GLOBL ·zipper(SB), RODATA|NOPTR, $16

// ROUND takes in the packets in Z8 and Z9.
#define ROUND \
	VPADDQ   Z2, Z8, Z8      \ // v1 += mul0 + packet
	VPADDQ   Z6, Z9, Z9      \
	VPSRLQ   $32, Z0, Z10    \
	VPSRLQ   $32, Z4, Z11    \
	VPADDQ   Z8, Z1, Z1      \
	VPADDQ   Z9, Z5, Z5      \
	VPADDQ   Z3, Z0, Z0      \ // v0 += mul1
	VPADDQ   Z7, Z4, Z4      \
	VPSRLQ   $32, Z1, Z12    \
	VPSRLQ   $32, Z5, Z13    \
	VPMULUDQ Z1, Z10, Z10    \ // mul0 ^= low(v1) * high(v0 as it was)
	VPMULUDQ Z5, Z11, Z11    \
	VPSHUFB  Z31, Z1, Z14    \ // v0 += zipper(v1), once the product below has read v0
	VPSHUFB  Z31, Z5, Z15    \
	VPMULUDQ Z0, Z12, Z12    \ // mul1 ^= low(v0) * high(v1)
	VPMULUDQ Z4, Z13, Z13    \
	VPADDQ   Z14, Z0, Z0     \
	VPADDQ   Z15, Z4, Z4     \
	VPSHUFB  Z31, Z0, Z14    \ // v1 += zipper(v0)
	VPSHUFB  Z31, Z4, Z15    \
	VPXORQ   Z10, Z2, Z2     \
	VPXORQ   Z11, Z6, Z6     \
	VPADDQ   Z14, Z1, Z1     \
	VPADDQ   Z15, Z5, Z5     \
	VPXORQ   Z12, Z3, Z3     \
	VPXORQ   Z13, Z7, Z7

// func rounds(s *lanes, messages *[4]*byte, packets int)
TEXT ·rounds(SB), NOSPLIT, $0-24
	MOVQ s+0(FP), DI
	MOVQ messages+8(FP), SI
	MOVQ packets+16(FP), CX
	MOVQ 0(SI), R8
	MOVQ 8(SI), R9
	MOVQ 16(SI), R10
	MOVQ 24(SI), R11
	VBROADCASTI32X4 ·zipper(SB), Z31
	VMOVDQU64 (0*64)(DI), Z0
	VMOVDQU64 (1*64)(DI), Z4
	VMOVDQU64 (2*64)(DI), Z1
	VMOVDQU64 (3*64)(DI), Z5
	VMOVDQU64 (4*64)(DI), Z2
	VMOVDQU64 (5*64)(DI), Z6
	VMOVDQU64 (6*64)(DI), Z3
	VMOVDQU64 (7*64)(DI), Z7
	XORQ AX, AX // offset in every message
	SHLQ $5, CX

next:
	VMOVDQU (R8)(AX*1), Y8
	VMOVDQU (R10)(AX*1), Y9
	VINSERTI64X4 $1, (R9)(AX*1), Z8, Z8
	VINSERTI64X4 $1, (R11)(AX*1), Z9, Z9
	ROUND
	ADDQ $32, AX
	CMPQ AX, CX
	JB   next

	MOVQ $10, CX

finish: // with packets of v0: its halves swapped, and the halves of each word
	VPERMQ $0x4e, Z0, Z8
	VPERMQ $0x4e, Z4, Z9
	VPRORQ $32, Z8, Z8
	VPRORQ $32, Z9, Z9
	ROUND
	DECQ CX
	JNZ  finish

	VMOVDQU64 Z0, (0*64)(DI)
	VMOVDQU64 Z4, (1*64)(DI)
	VMOVDQU64 Z1, (2*64)(DI)
	VMOVDQU64 Z5, (3*64)(DI)
	VMOVDQU64 Z2, (4*64)(DI)
	VMOVDQU64 Z6, (5*64)(DI)
	VMOVDQU64 Z3, (6*64)(DI)
	VMOVDQU64 Z7, (7*64)(DI)
	VZEROUPPER
	RET
