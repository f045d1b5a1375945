package money

import (
	"fmt"
	"math/big"
)

// Times returns a × factor with that many decimals, a half going to the even neighbour: 10.01 × 0.015 is 0.15 with two. The
// factor is a rate or a share, of no currency. It returns ErrRange when the product reaches 10^20 units, or decimals is not in
// 0..18.
func (a Amount) Times(factor Amount, decimals int) (Amount, error) {
	if decimals < 0 || decimals > Scale {
		return Amount{}, fmt.Errorf("%w: %d decimals", ErrRange, decimals)
	}
	step := new(big.Int).SetUint64(pow10[Scale-decimals])
	scale := new(big.Int).Mul(step, new(big.Int).SetUint64(ten18)) // of the product, down to what is kept
	n, rest := new(big.Int).QuoRem(new(big.Int).Mul(a.big(), factor.big()), scale, new(big.Int))
	if half := rest.Lsh(rest, 1).Cmp(scale); half > 0 || half == 0 && n.Bit(0) == 1 {
		n.Add(n, big.NewInt(1))
	}
	n.Mul(n, step)
	if n.BitLen() > 128 {
		return Amount{}, fmt.Errorf("%w: %s × %s", ErrRange, a, factor)
	}
	var raw [16]byte
	n.FillBytes(raw[:])
	product := Amount{new(big.Int).SetBytes(raw[:8]).Uint64(), new(big.Int).SetBytes(raw[8:]).Uint64()}
	if !product.inRange() {
		return Amount{}, fmt.Errorf("%w: %s × %s", ErrRange, a, factor)
	}
	return product, nil
}

func (a Amount) big() *big.Int {
	n := new(big.Int).SetUint64(a.hi)
	return n.Add(n.Lsh(n, 64), new(big.Int).SetUint64(a.lo))
}
