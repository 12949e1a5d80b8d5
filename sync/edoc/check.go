package edoc

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/penjire/penjire/sync/citizen"
)

// texts calls f with every text of the document that JSON could change.
func (d *Document) texts(f func(string)) {
	for _, s := range []string{d.Name, d.Heading, d.Lang, d.Kiosk, d.Service, d.Regulation, d.Text.Reveal()} {
		f(s)
	}
	for _, p := range []Party{d.Sender, d.Addressee} {
		for _, s := range []string{p.Surname.Reveal(), p.Name.Reveal(), p.Patronymic.Reveal(), p.Organisation, p.Position, p.Postal.Reveal(), p.Email.Reveal()} {
			f(s)
		}
	}
	for k, v := range d.Answers.Reveal() {
		f(k)
		f(v)
	}
	for _, c := range d.Consents {
		f(c.Rule)
	}
	for _, x := range d.Facts {
		f(x.Name)
		f(x.Value.Reveal())
	}
	for _, s := range d.AnswerTo {
		f(s)
	}
}

// check says what a document lacks to be one (ED-7).
func (d *Document) check() error {
	valid := true
	d.texts(func(s string) { valid = valid && utf8.ValidString(s) })
	switch {
	case !valid:
		return errors.New("a text is not UTF-8")
	case d.Kind != KindRequest && d.Kind != KindAnswer:
		return errors.New("kind: want request or answer")
	case d.Name == "":
		return errors.New("name: it is empty")
	case d.Heading == "":
		return errors.New("heading: it is empty")
	case d.Lang != "tk" && d.Lang != "ru" && d.Lang != "en":
		return errors.New("lang: want tk, ru or en")
	case !writable(d.Made):
		return errors.New("made: want a time in whole seconds")
	case !d.Registered.IsZero() && (!writable(d.Registered) || d.Registered.Before(d.Made)):
		return errors.New("registered: want a time in whole seconds, not before made")
	case !d.RequestRegistered.IsZero() && (!writable(d.RequestRegistered) || d.RequestRegistered.After(d.Made)):
		return errors.New("request_registered: want a time in whole seconds, not after made")
	case d.Pages < 1:
		return fmt.Errorf("pages: got %d, want 1 or more", d.Pages)
	case d.Service == "":
		return errors.New("service: it is empty")
	}
	for _, c := range d.Consents {
		if c.Rule == "" || !writable(c.At) {
			return errors.New("consents: want a rule and a time in whole seconds")
		}
	}
	for _, f := range d.Facts {
		if f.Name == "" {
			return errors.New("facts: one has no name")
		}
	}
	return d.checkKind()
}

func (d *Document) checkKind() error {
	if d.Kind == KindRequest {
		switch {
		case d.Request != nil || d.Decision != "" || len(d.Facts) > 0 || !d.Text.IsZero():
			return errors.New("a request holds what only an answer has")
		case !d.Registered.IsZero() || !d.RequestRegistered.IsZero():
			return errors.New("registered: a request is signed before it is registered")
		case d.Addressee.Organisation == "":
			return errors.New("addressee.organisation: it is empty")
		case len(d.AnswerTo) == 0 && d.AnswerSecret == (Secret{}):
			return errors.New("answer_secret: a request that names no recipients has one")
		case len(d.AnswerTo) > 0 && d.AnswerSecret != (Secret{}):
			return errors.New("answer_secret: a request that names recipients has none")
		}
		return nil
	}
	switch {
	case d.AnswerSecret != (Secret{}):
		return errors.New("answer_secret: only a request has one")
	case d.Request == nil:
		return errors.New("request: an answer names the request")
	case d.Decision != Answered && d.Decision != Refused && d.Decision != Returned:
		return errors.New("decision: want answered, refused or returned")
	case d.Sender.Organisation == "":
		return errors.New("sender.organisation: it is empty")
	case d.Corrects != nil:
		return errors.New("corrects: only a request corrects one")
	}
	return nil
}

// writable reports whether a time reads back as it was.
func writable(t time.Time) bool {
	y := t.UTC().Year()
	return !t.IsZero() && t.Nanosecond() == 0 && y >= 0 && y <= 9999
}

// clone returns what ParseDocument reads from what Marshal writes of d, which
// is to be a document that Marshal does not refuse.
func (d *Document) clone() *Document {
	e := *d
	e.Made, e.Registered, e.RequestRegistered = d.Made.UTC(), d.Registered.UTC(), d.RequestRegistered.UTC()
	if len(d.Answers.Reveal()) == 0 {
		e.Answers = citizen.Answers{}
	}
	e.Consents, e.AnswerTo, e.Facts, e.Attachments = some(d.Consents), some(d.AnswerTo), some(d.Facts), some(d.Attachments)
	for i := range e.Consents {
		e.Consents[i].At = e.Consents[i].At.UTC()
	}
	for _, id := range []**ID{&e.Corrects, &e.Request} {
		if *id != nil {
			same := **id
			*id = &same
		}
	}
	return &e
}

// some copies a list; of an empty one there is nothing.
func some[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return slices.Clone(list)
}
