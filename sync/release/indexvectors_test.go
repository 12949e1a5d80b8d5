package release_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/penjire/penjire/sync/edoc/dcbor"
	"github.com/penjire/penjire/sync/release"
)

func writeIndexVectors(t *testing.T) {
	t.Helper()
	const size = 600_000
	b := counted(size)
	x := indexOf(t, b)
	entries := func(ps []release.Piece) []byte {
		var out []byte
		for _, p := range ps {
			out = append(out, byte(p.Length>>16), byte(p.Length>>8), byte(p.Length))
			out = append(out, p.Digest[:]...)
		}
		return out
	}
	raw := func(domain string, sum []byte, size int64, pieces []byte) []byte {
		out, err := dcbor.Marshal([]any{domain, sum, size, pieces})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	const domain = "penjire-release-pieces/1"
	of := func(ps ...release.Piece) []byte { return raw(domain, x.SHA256[:], size, entries(ps)) }
	good := of(x.Pieces...)
	split := func(n uint32) []byte { // the first piece into two
		ps := slices.Clone(x.Pieces)
		ps[0].Length -= n
		return of(append([]release.Piece{{Length: n}}, ps...)...)
	}
	joined := slices.Clone(x.Pieces[1:]) // as many bytes, in a piece that is too long
	for len(joined) > 1 && joined[0].Length <= release.MaxPiece {
		joined[1].Length += joined[0].Length
		joined = joined[1:]
	}
	joined[0].Length += x.Pieces[0].Length
	wrong := slices.Clone(x.Pieces)
	wrong[1].Digest[0] ^= 1
	other := sha256.Sum256(nil)
	small := indexOf(t, counted(1000))
	smallBody, err := small.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(indexVectorsDir, 0o750); err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, expect, spec, comment string
		size                        int
		body                        []byte
	}{
		{"good", "ok", "REL-IDX-1 REL-IDX-2 REL-IDX-3", "as it is made", size, good},
		{"small", "ok", "REL-IDX-1 REL-IDX-3", "one piece, shorter than others may be", 1000, smallBody},
		{"lies", "ok", "REL-IDX-1", "a digest is wrong: only the bytes can tell", size, of(wrong...)},
		{"domain", "form failure", "REL-IDX-1", "another version", size, raw("penjire-release-pieces/2", x.SHA256[:], size, entries(x.Pieces))},
		{"behind", "form failure", "REL-IDX-1", "a byte behind it", size, append(bytes.Clone(good), 0)},
		{"cut", "form failure", "REL-IDX-1", "half of it", size, good[:len(good)/2]},
		{"entry", "form failure", "REL-IDX-1", "the last digest lacks a byte", size, raw(domain, x.SHA256[:], size, entries(x.Pieces)[:len(x.Pieces)*19-1])},
		{"lacks", "form failure", "REL-IDX-1", "the last piece is missing", size, of(x.Pieces[:len(x.Pieces)-1]...)},
		{"more", "form failure", "REL-IDX-1", "a piece behind the end", size, of(append(slices.Clone(x.Pieces), release.Piece{Length: 1})...)},
		{"empty", "form failure", "REL-IDX-1", "a piece of no bytes", size, split(0)},
		{"short", "form failure", "REL-IDX-1", "a piece of a byte less than 16 KiB that is not the last", size, split(release.MinPiece - 1)},
		{"long", "form failure", "REL-IDX-1", "a piece of more than 256 KiB", size, of(joined...)},
		{"none", "form failure", "REL-IDX-1", "no piece", size, of()},
		{"huge", "form failure", "REL-IDX-1", "longer than the index of such a bundle can be", 1000, good},
		{"other", "form failure", "REL-IDX-2", "the digest of another bundle", size, raw(domain, other[:], size, entries(x.Pieces))},
		{"size", "form failure", "REL-IDX-2", "another size than described", size, raw(domain, x.SHA256[:], size+1, entries(x.Pieces))},
	} {
		var out strings.Builder
		fmt.Fprintf(&out, "expect: %s\nspec: %s\ncomment: %s\nbundle: %d\n\n", f.expect, f.spec, f.comment, f.size)
		for c := range slices.Chunk(f.body, 40) {
			fmt.Fprintf(&out, "%x\n", c)
		}
		if err := os.WriteFile(filepath.Join(indexVectorsDir, f.name+".vector"), []byte(out.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
