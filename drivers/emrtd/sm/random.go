package sm

import "encoding/hex"

// Constants of the pseudo-random function, by the length of its blocks.
var (
	c0 = map[int][]byte{16: number("a668892a7c41e3ca739f40b057d85904"), 32: number("d463d65234124ef7897054986dca0a174e28df758cbaa03f240616414d5a1676")}
	c1 = map[int][]byte{16: number("a4e136ac725f738b01c1f60217c188ad"), 32: number("54bd7255f0aaf831bec3423fcf39d69b6cbf066677d0faae5aadd99df8e53517")}
)

func number(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic("sm: " + err.Error())
	}
	return b
}

// NonceSize is the length of the chip's nonce in integrated mapping, and
// KeySize that of the reader's, which is used as a key.
func (s Suite) NonceSize() int {
	if s == AES192 || s == AES256 {
		return 32
	}
	return 16
}

// KeySize is the length of a key of s.
func (s Suite) KeySize() int { return len(s.Derive(nil, ForEncryption)) }

// Random is the pseudo-random function of integrated mapping (9303-11,
// 4.4.3.3.2): at least 64 bits more than asked for, out of the chip's nonce and
// the reader's.
func (s Suite) Random(chip, reader []byte, bits int) []byte {
	n := s.NonceSize()
	key := s.Encrypt(reader, nil, chip)
	var out []byte
	for len(out)*8 < bits+64 {
		key = key[:s.KeySize()]
		out = append(out, s.Encrypt(key, nil, c1[n])...)
		key = s.Encrypt(key, nil, c0[n])
	}
	return out
}
