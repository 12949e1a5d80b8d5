// Package explain puts the answers of a check into words that a lawyer, an
// auditor and a citizen all understand, in Turkmen, Russian and English: for
// each question and verdict a heading, and for each reason one sentence that
// says what was found and one that says what it means or what to do.
//
// The words are data, one file for each language. The reasons are the Reason
// constants of packages edoc, trust and seal, and those below; a test holds
// both lists to each other. Terms are those of REQUIREMENTS.md.
package explain

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/penjire/penjire/sync/edoc/trust"
)

// The reasons for which nothing could be checked at all.
const (
	ReasonUnreadable     = "unreadable"      // it is not an e-document, or not a whole one
	ReasonSealUnreadable = "seal.unreadable" // the text is no seal, or not a whole one
	ReasonNoTrust        = "trust.none"      // there is no bundle to check with
)

// Question is one of the questions of a check.
type Question string

// The questions.
const (
	Whole      Question = "whole"      // is the document complete and unchanged?
	Signer     Question = "signer"     // was the signer entitled?
	Revocation Question = "revocation" // was his certificate cancelled or suspended?
	Stamp      Question = "stamp"      // is there a time to be believed?
	Seal       Question = "seal"       // is what is printed on paper genuine?
)

// Questions are the questions of a document, in their order.
var Questions = []Question{Whole, Signer, Revocation, Stamp}

// Langs are the languages; the first is that of the state.
var Langs = []string{"tk", "ru", "en"}

// Text is what people read about a finding.
type Text struct {
	Found string `json:"found"` // what was found
	Means string `json:"means"` // what it means, or what to do
}

// words are the texts of one language.
type words struct {
	Overall  map[trust.Verdict]string `json:"overall"`
	Question map[Question]string      `json:"question"`
	Heading  map[string]string        `json:"heading"` // "question.verdict"
	OK       map[Question]Text        `json:"ok"`
	Reason   map[string]Text          `json:"reason"`
}

//go:embed texts/*.json
var files embed.FS

// in holds the texts by language.
var in = load()

func load() map[string]words {
	all := map[string]words{}
	for _, lang := range Langs {
		b, err := files.ReadFile("texts/" + lang + ".json")
		var w words
		if err == nil {
			d := json.NewDecoder(bytes.NewReader(b))
			d.DisallowUnknownFields()
			err = d.Decode(&w)
		}
		if err != nil { // the files are part of the program: a test reads them all
			panic(fmt.Sprintf("explain: read the texts in %q: %v", lang, err))
		}
		all[lang] = w
	}
	return all
}

// of returns the texts in lang; in English, if there is no such language.
func of(lang string) words {
	if w, ok := in[lang]; ok {
		return w
	}
	return in["en"]
}

// Finding returns what f, found for the question q, says in lang. Where there
// are no words for the reason, which another version of this program may have
// found, Found is the reason's code and Means is empty.
func Finding(lang string, q Question, f trust.Finding) Text {
	if f.Reason == trust.ReasonOK || f.Reason == "" {
		return of(lang).OK[q]
	}
	if t, ok := of(lang).Reason[f.Reason]; ok {
		return t
	}
	return Text{Found: f.Reason}
}

// Heading returns the verdict on the question q in a few words.
func Heading(lang string, q Question, v trust.Verdict) string {
	return of(lang).Heading[string(q)+"."+string(v)]
}

// Ask returns the question q as people ask it.
func Ask(lang string, q Question) string { return of(lang).Question[q] }

// Overall returns the verdict on the whole thing in one or two words.
func Overall(lang string, v trust.Verdict) string { return of(lang).Overall[v] }

// Reason returns the words of a reason. ReasonOK, whose words depend on the
// question, is not among them.
func Reason(lang, code string) (Text, bool) {
	t, ok := of(lang).Reason[code]
	return t, ok
}

// Reasons returns the codes of all reasons there are words for, sorted.
func Reasons() []string { return slices.Sorted(maps.Keys(in["en"].Reason)) }
