package edoc_test

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"filippo.io/age"

	"github.com/penjire/penjire/sync/citizen"
	"github.com/penjire/penjire/sync/edoc"
	"github.com/penjire/penjire/sync/edoc/envelope"
	"github.com/penjire/penjire/sync/edoc/specimen"
	"github.com/penjire/penjire/sync/edoc/tsp"
)

// A request's way: signed by a card, sealed to the portal, opened there, checked
// and stamped.
func Example() {
	noon := time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)
	w, err := specimen.New(noon)
	if err != nil {
		panic(err)
	}
	card, _ := w.Card("citizen-1")

	// At the kiosk.
	request := &edoc.Document{
		Kind: edoc.KindRequest, Name: "Güwänama", Heading: "Sargytnama", Lang: "tk", Made: noon, Kiosk: "K-000001", Pages: 1,
		Service: "residence-certificate", ServiceVersion: 1,
		Sender:    edoc.Party{ID: card.Holder.ID, Surname: card.Holder.Surname, Name: card.Holder.Name},
		Addressee: edoc.Party{Organisation: "NUSGA", Position: "Başlyk"},
		Answers:   citizen.NewAnswers(map[string]string{"purpose": "school"}),
		AnswerTo:  []string{card.Recipient()},
	}
	signed, err := edoc.Sign(request, card.Slots[specimen.SlotSign].Signer(), noon)
	if err != nil {
		panic(err)
	}
	sealed, err := envelope.Seal(signed.Bytes(), w.Trust().Recipients...)
	if err != nil {
		panic(err)
	}

	// At the portal, two days later.
	later := noon.AddDate(0, 0, 2)
	id, err := age.ParseX25519Identity(w.AgeIdentity)
	if err != nil {
		panic(err)
	}
	plain, err := envelope.Open(sealed, id)
	if err != nil {
		panic(err)
	}
	received, err := edoc.Parse(plain)
	if err != nil {
		panic(err)
	}
	r := received.Verify(w.Trust(), later)
	fmt.Println("accepted:", r.Accepted(), "provisional:", r.Provisional)
	authority, err := tsp.NewAuthority(w.TSA.Signer(), func() time.Time { return later })
	if err != nil {
		panic(err)
	}
	stamped, err := received.Stamp(context.Background(), authority)
	if err != nil {
		panic(err)
	}
	r = stamped.Verify(w.Trust(), later)
	fmt.Println("whole:", r.Whole.Verdict, "signer:", r.Signer.Verdict, "revocation:", r.Revocation.Verdict)
	fmt.Println("trusted time:", r.Trusted.Format(time.DateTime), "provisional:", r.Provisional)
	fmt.Println("the same document:", stamped.ID() == signed.ID(), bytes.Equal(stamped.Manifest(), signed.Manifest()))
	fmt.Println("readable to whoever prints it by mistake:", received.Document().Sender.Surname)
	// Output:
	// accepted: true provisional: true
	// whole: yes signer: yes revocation: yes
	// trusted time: 2026-06-17 12:00:00 provisional: false
	// the same document: true true
	// readable to whoever prints it by mistake: [personal]
}
