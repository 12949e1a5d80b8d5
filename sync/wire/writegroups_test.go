package wire

import (
	"crypto/sha256"
	"crypto/x509"
	"fmt"
	"slices"
	"testing"
)

// openFrame parses a frame and opens its groups as the kiosk of the vectors does.
func openFrame(b []byte, portals []*x509.Certificate) error {
	f, err := Parse(b)
	if err != nil {
		return err
	}
	level, groups := Durable, []Group(nil)
	switch f := f.(type) {
	case *Receipts:
		groups = f.Groups
	case *Items:
		level, groups = Decided, f.Decisions
	default:
		return fmt.Errorf("%s has no receipts", f.Type())
	}
	for i := range groups {
		kept, err := groups[i].Open(level, portals, sampleHeld)
		if err != nil {
			return err
		}
		for _, k := range kept {
			r, err := ParseReceipt(k.Bytes, portals)
			if err != nil || r.Seq != k.Seq || r.Doc != k.Doc || r.Stage != k.Stage {
				return fmt.Errorf("what Open gives is no receipt: %w: got %+v, want %+v", err, r, k.Receipt)
			}
		}
	}
	return nil
}

// pick returns some of the stored receipts.
func pick(all [][]byte, at ...int) (out [][]byte) {
	for _, i := range at {
		out = append(out, all[i])
	}
	return out
}

// grouped puts them into one group.
func grouped(stored [][]byte, ids []uint64, plain bool) Group {
	return must(Groups(stored, ids, sampleEpoch(), plain))[0]
}

// writeGroupFrames writes frames with groups that are wrong before anything is verified.
func writeGroupFrames(badf func(name, expect, spec, comment string, f Frame)) {
	slips := func(s ...Slip) *Receipts { return &Receipts{Groups: []Group{{Batch: []byte{1}, Slips: s}}} }
	badf("receipts-none", "value failure", "WIRE-FRM-4", "a receipts frame without receipts", &Receipts{Groups: []Group{}})
	badf("receipts-empty-group", "value failure", "WIRE-FRM-8", "a group without receipts", slips())
	many := &Receipts{}
	for range 5 {
		g := Group{Batch: []byte{1}}
		for i := range uint(13) {
			g.Slips = append(g.Slips, Slip{Index: i, Seq: 1})
		}
		many.Groups = append(many.Groups, g)
	}
	badf("receipts-many", "limit failure", "WIRE-FRM-4", "65 receipts in five groups", many)
	badf("receipts-hashes", "limit failure", "WIRE-FRM-4", "64 hashes in a group",
		&Receipts{Groups: []Group{{Batch: []byte{1}, Slips: []Slip{{Seq: 1}}, Hashes: make([][32]byte, 64)}}})
	badf("slip-order", "value failure", "WIRE-FRM-10", "the same number twice in one group", slips(Slip{Index: 1, Seq: 1}, Slip{Index: 1, Seq: 2}))
	badf("slip-index", "value failure", "WIRE-FRM-10", "number 64", slips(Slip{Index: 64, Seq: 1}))
	badf("slip-sequence", "value failure", "WIRE-FRM-8", "a receipt of record 0", slips(Slip{}))
	badf("slip-stage", "value failure", "WIRE-FRM-10", "a DURABLE receipt with a stage", slips(Slip{Seq: 1, Stage: StageRegistered}))
	badf("slip-item", "value failure", "WIRE-FRM-10", "a DURABLE receipt with the ID of an item", slips(Slip{Seq: 1, ID: 4}))
	badf("slip-fork", "value failure", "WIRE-FRM-10", "a fork of 31 bytes", slips(Slip{Seq: 1, Fork: make([]byte, 31)}))
	badf("slip-half", "value failure", "WIRE-FRM-10", "a document without a digest", slips(Slip{Seq: 1, Doc: make([]byte, 32)}))
	f := sampleDecisions()
	f.Decisions[0].Slips[0].ID = 0
	badf("decision-no-item", "value failure", "WIRE-FRM-10", "a decision without an ID", f)
	f = sampleDecisions()
	f.Decisions[0].Slips[0].Stage = StageAnswered
	badf("decision-stage", "value failure", "WIRE-FRM-10", "a decision at stage answered", f)
	f = sampleDecisions()
	f.Decisions[0].Slips[1].Reason = ""
	badf("decision-no-reason", "value failure", "WIRE-FRM-10", "a refusal without a reason", f)
	f = sampleDecisions()
	f.Decisions[0].Slips[1].ID = 5
	badf("decision-twice", "value failure", "WIRE-FRM-6", "a decision with the ID of an answer in the same frame", f)
}

// writeGroups writes groups to be opened with the records that the kiosk has.
func writeGroups(t *testing.T, put put, portal, stranger signer) {
	vector := func(name, class, comment string, f Frame) {
		put(name, class, "WIRE-SIG-7", "groups", comment, raw(t, f))
	}
	receipts := func(gs ...Group) *Receipts { return &Receipts{Groups: gs} }
	of5, decided := portal.receipts(sampleReceipts(5)), portal.receipts(sampleDecided(5))
	all := func() Group { return grouped(of5, nil, false) }
	some := func(plain bool) Group { return grouped(pick(of5, 0, 2), nil, plain) }
	vector("groups-all", "ok", "all five of a batch: no hashes", receipts(all()))
	vector("groups-some", "ok", "numbers 0 and 2 of 5", receipts(some(false)))
	vector("groups-one", "ok", "number 3 of 5 alone", receipts(grouped(pick(of5, 3), nil, false)))
	vector("groups-named", "ok", "numbers 0 and 2 of 5 with document and digest", receipts(some(true)))
	vector("groups-two", "ok", "some of one batch and one of another", receipts(some(false), grouped(portal.receipts(sampleReceipts(1)), nil, false)))
	items := func(g Group) *Items { return &Items{Decisions: []Group{g}} }
	vector("groups-decided", "ok", "five decisions", items(grouped(decided, []uint64{11, 12, 13, 14, 15}, false)))

	change := func(g Group, f func(*Group)) Group { f(&g); return g }
	vector("groups-hash-missing", "value failure", "one hash too few", receipts(change(some(false), func(g *Group) { g.Hashes = g.Hashes[1:] })))
	vector("groups-hash-more", "value failure", "one hash too many", receipts(change(some(false), func(g *Group) { g.Hashes = append(g.Hashes, hash{}) })))
	vector("groups-index-high", "value failure", "number 5 of 5", receipts(change(some(false), func(g *Group) { g.Slips[1].Index = 5 })))
	vector("groups-level", "value failure", "decisions in a frame of DURABLE receipts", receipts(change(grouped(decided[:2], nil, false), func(g *Group) {})))
	vector("groups-stranger", "signature failure", "signed by a portal that is not in the bundle", receipts(grouped(stranger.receipts(sampleReceipts(5)), nil, false)))

	// With what the kiosk has it cannot tell who is wrong; with document and digest it can.
	for name, f := range map[string]func(*Group){
		"index":    func(g *Group) { g.Slips[1].Index = 3 },
		"hash":     func(g *Group) { g.Hashes[0][0] ^= 1 },
		"fork":     func(g *Group) { g.Slips[0].Fork = make([]byte, 32) },
		"sequence": func(g *Group) { g.Slips[0].Seq = 9 },
	} {
		vector("groups-"+name, "unbuilt", "another "+name+" than in the batch", receipts(change(some(false), f)))
		vector("groups-named-"+name, "signature failure", "another "+name+" than in the batch, with document and digest", receipts(change(some(true), f)))
	}
	vector("groups-named-document", "signature failure", "another document than in the batch", receipts(change(some(true), func(g *Group) {
		d := sha256.Sum256(nil)
		g.Slips[0].Doc = d[:]
	})))
	other := sampleReceipts(5)
	other[0].Seq = 6
	vector("groups-other-batch", "signature failure", "the batch of others", receipts(change(some(true), func(g *Group) {
		g.Batch = taken(t, portal.receipts(other)[0]).Batch
	})))
	vector("groups-not-held", "unbuilt", "of a record that the kiosk does not have", receipts(change(all(), func(g *Group) {
		g.Slips = slices.Clone(g.Slips)
		g.Slips[4].Seq = 65
	})))
}
