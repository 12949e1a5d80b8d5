package wire

import (
	"bytes"
	"crypto/x509"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGroupGivesWhatIsStored: whichever receipts of a batch go together, with or
// without their documents, the kiosk stores the bytes that the portal has.
func TestGroupGivesWhatIsStored(t *testing.T) {
	key, cert := specimen(t, "portal.specimen")
	rnd := rand.New(rand.NewPCG(1, 2))
	for n := 1; n <= MaxRecords; n++ {
		all, err := SignReceipts(sampleReceipts(uint64(n)), key, cert)
		if err != nil {
			t.Fatal(err)
		}
		for _, most := range []int{1, n/2 + 1, n} {
			at := rnd.Perm(n)[:min(most, n)]
			slices.Sort(at)
			for _, plain := range []bool{false, true} {
				g := grouped(pick(all, at...), nil, plain)
				if len(at) == n && len(g.Hashes) > 0 {
					t.Errorf("all %d of a batch: got %d hashes, want none", n, len(g.Hashes))
				}
				b, err := Marshal(&Receipts{Groups: []Group{g}})
				if err != nil {
					t.Fatal(err)
				}
				f, err := Parse(b)
				if err != nil {
					t.Fatal(err)
				}
				kept, err := f.(*Receipts).Groups[0].Open(Durable, []*x509.Certificate{cert}, sampleHeld)
				if err != nil {
					t.Fatalf("numbers %v of %d, named %t: %v", at, n, plain, err)
				}
				for i, k := range kept {
					if !bytes.Equal(k.Bytes, all[at[i]]) {
						t.Fatalf("number %d of %d: got %x, want %x", at[i], n, k.Bytes, all[at[i]])
					}
				}
			}
		}
	}
}

// TestOtherEpochIsNamed: a decision about a record of an epoch that the kiosk has
// lost says what it is about: it could not build the leaf.
func TestOtherEpochIsNamed(t *testing.T) {
	key, cert := specimen(t, "portal.specimen")
	all, err := SignReceipts(sampleDecided(3), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	gs, err := Groups(all, []uint64{1, 2, 3}, [16]byte{1}, false)
	if err != nil {
		t.Fatal(err)
	}
	none := func([16]byte, uint64) (doc, digest [32]byte, ok bool, err error) { return }
	kept, err := gs[0].Open(Decided, []*x509.Certificate{cert}, none)
	if err != nil || len(kept) != 3 || kept[2].ID != 3 || kept[2].Stage != StageRefused {
		t.Errorf("Open = %+v, %v, want three decisions", kept, err)
	}
}

// TestHeldFails: that the records cannot be read is not that they are others.
func TestHeldFails(t *testing.T) {
	key, cert := specimen(t, "portal.specimen")
	all, err := SignReceipts(sampleReceipts(2), key, cert)
	if err != nil {
		t.Fatal(err)
	}
	g := grouped(all, nil, false)
	broken := errors.New("no disk")
	_, err = g.Open(Durable, []*x509.Certificate{cert}, func([16]byte, uint64) (doc, digest [32]byte, ok bool, err error) {
		return doc, digest, false, broken
	})
	if !errors.Is(err, broken) || errors.Is(err, ErrUnbuilt) {
		t.Errorf("Open = %v, want the error of the store", err)
	}
}

// TestSignReceiptsOfOne refuses what is not one batch.
func TestSignReceiptsOfOne(t *testing.T) {
	key, cert := specimen(t, "portal.specimen")
	mixed := sampleReceipts(2)
	mixed[1].At++
	for name, rs := range map[string][]Receipt{"none": nil, "65": sampleReceipts(65), "two times": mixed} {
		if _, err := SignReceipts(rs, key, cert); err == nil {
			t.Errorf("SignReceipts of %s: got nil, want an error", name)
		}
	}
}

func FuzzSigned(f *testing.F) {
	portal := readCert(f, "portal.pem")
	good := map[string]bool{}
	for _, v := range vectors(f) {
		if v.kind == "receipt" || v.kind == "beacon" {
			f.Add(v.body)
			good[string(v.body)] = v.expect == "ok"
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, e1 := ParseReceipt(b, []*x509.Certificate{portal})
		_, e2 := ParseTime(b, []*x509.Certificate{portal})
		if (e1 == nil || e2 == nil) && !good[string(b)] {
			t.Errorf("took %x, which nobody signed", b)
		}
	})
}

// FuzzGroups opens groups of anything: what is taken is what the portal signed, by
// another way of checking it.
func FuzzGroups(f *testing.F) {
	portal := readCert(f, "portal.pem")
	for _, v := range vectors(f) {
		if v.kind == "groups" {
			f.Add(v.body)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range opened(b, portal) {
			if r, err := ParseReceipt(k.Bytes, []*x509.Certificate{portal}); err != nil || r.Doc != k.Doc || r.Stage != k.Stage {
				t.Errorf("took %x, which nobody signed: %v", k.Bytes, err)
			}
		}
	})
}

// opened returns the receipts of a frame that opens.
func opened(b []byte, portal *x509.Certificate) (out []Kept) {
	f, err := Parse(b)
	if err != nil {
		return nil
	}
	var groups []Group
	level := Durable
	switch f := f.(type) {
	case *Receipts:
		groups = f.Groups
	case *Items:
		level, groups = Decided, f.Decisions
	}
	for i := range groups {
		kept, err := groups[i].Open(level, []*x509.Certificate{portal}, sampleHeld)
		if err == nil {
			out = append(out, kept...)
		}
	}
	return out
}
