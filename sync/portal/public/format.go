package public

import (
	"encoding/hex"
	"strings"

	"github.com/penjire/penjire/sync/edoc"
)

func formatCode(code string) string { return edoc.FormatCode(code) }

// hexGroups writes b as the paper does: groups of four hexadecimal digits.
func hexGroups(b []byte) string {
	s := hex.EncodeToString(b)
	var g []string
	for len(s) > 4 {
		g, s = append(g, s[:4]), s[4:]
	}
	return strings.Join(append(g, s), " ")
}
