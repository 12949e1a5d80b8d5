package serialscan

import "github.com/penjire/penjire/drivers/device"

// aim maps the code characters of AIM identifiers (ISO/IEC 15424, table 1) to
// the symbologies that we tell apart.
var aim = map[byte]device.Symbology{
	'Q': device.QRCode, 'd': device.DataMatrix, 'L': device.PDF417, 'z': device.Aztec, 'C': device.Code128,
}

// CutAIM takes an AIM identifier, like ]Q1, off the beginning of a reading. ok
// is false where there is none; a symbology we do not tell apart is AnyCode.
func CutAIM(b []byte) (sym device.Symbology, rest []byte, ok bool) {
	if len(b) < 3 || b[0] != ']' || !letter(b[1]) || !letter(b[2]) && (b[2] < '0' || b[2] > '9') {
		return "", b, false
	}
	sym, known := aim[b[1]]
	if !known {
		sym = device.AnyCode
	}
	return sym, b[3:], true
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' }
