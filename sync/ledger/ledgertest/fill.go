package ledgertest

import (
	"testing"
	"time"

	"github.com/penjire/penjire/sync/ledger"
)

// Fill puts something of everything into an empty ledger: records in each state, a
// fork, an answer with a revoked seal, broadcasts, heads, a large record that is
// half here, alarms, one-time codes, certificates, a release and what a kiosk says of it.
func Fill(t testing.TB, l ledger.Ledger) {
	t.Helper()
	ctx := t.Context()
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	fork := Incoming(6)
	fork.Seq = 5
	recs := []ledger.Incoming{Incoming(1), Incoming(2), Incoming(3), Incoming(4), Incoming(5), fork}
	recs[3].Sent = start.Add(time.Second)
	_, err := l.Intake(ctx, Kiosk, start, recs, Receipt())
	try(err)
	try(l.Visited(ctx, Kiosk, ledger.Visit{Epoch: epoch, At: start, Software: "1.0", Unsent: 3}))
	try(Settle(ctx, l, key(recs[0]), Registered()))
	try(Settle(ctx, l, key(recs[1]), Registered()))
	try(Settle(ctx, l, key(recs[2]), Refused("cert.foreign")))
	try(l.Answer(ctx, recs[0].Doc, ledger.Answer{
		State: ledger.Answered, ID: ledger.Doc{7}, By: "officer 1", At: start.Add(time.Hour), Container: []byte("c"), Packet: []byte("p"),
		Seal: "HTTPS://PORTAL.SPECIMEN/V/X", Check: "1234567890",
	}))
	try(l.RevokeSeal(ctx, ledger.Revocation{
		Seal: [16]byte{1}, Doc: recs[0].Doc, Agency: Registered().Agency, Reason: ledger.RevokedMistake, By: "officer 1", At: start.Add(2 * time.Hour),
	}))
	try(l.Broadcast(ctx, ledger.ItemTrust, 3, start, []byte("trust 3")))
	try(l.Broadcast(ctx, ledger.ItemTrust, 4, start, []byte("trust 4")))
	try(l.SetHead(ctx, Kiosk, epoch, ledger.Head{}, ledger.Head{Size: 4, Root: [32]byte{4}, Counter: 1, Note: []byte("note"), At: start}))
	try(l.KeepDictionary(ctx, 7, []byte("words")))
	try(l.AwaitDictionary(ctx, key(recs[3]), 8))
	up := ledger.Upload{Digest: [32]byte{1}, Size: 10, At: start}
	_, err = l.BeginUpload(ctx, Kiosk, up, ledger.Quota{Uploads: 4, Bytes: 1 << 20, Rest: time.Hour})
	try(err)
	_, err = l.AppendUpload(ctx, Kiosk, up.Digest, 0, []byte("half"), start)
	try(err)
	its, err := l.Items(ctx, Kiosk, 0, 100)
	try(err)
	try(l.Acked(ctx, Kiosk, its[0].ID, start.Add(time.Hour)))
	_, err = l.AddLayer(ctx, ledger.Layer{Scope: "all", Values: []byte("{}"), By: "operator", At: start})
	try(err)
	for n := range byte(3) {
		try(l.NewCode(ctx, Code(n)))
	}
	try(l.TakeBack(ctx, Code(2).ID, start))
	_, err = l.Issue(ctx, byCode(0, start), Certify(0))
	try(err)
	_, err = l.RevokeKiosk(ctx, Code(0).Kiosk, start.Add(time.Hour), "lost", "operator 1")
	try(err)
	_, err = l.Issue(ctx, byCode(1, start), Certify(1))
	try(err)
	try(l.AddRelease(ctx, Release(2)))
	_, err = l.Reported(ctx, ledger.Software{Kiosk: Kiosk, At: start, OwnRing: 3, Report: []byte(`{}`)},
		&ledger.Ended{Kiosk: Kiosk, Board: "vm", Build: 2, Code: "update.good", At: start})
	try(err)
}
