package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/penjire/penjire/sync/edoc/explain"
	"github.com/penjire/penjire/sync/edoc/trust"
)

// labels are the words at the left of a line; everything a finding says is
// package explain's.
var labels = map[string][3]string{ // tk, ru, en
	"receipt":    {"çek", "чек", "receipt"},
	"copy":       {"nusga", "копия", "copy"},
	"request":    {"sargytnama", "заявка", "request"},
	"answer":     {"jogap", "ответ", "answer"},
	"code":       {"belgisi", "код", "code"},
	"document":   {"resminama", "документ", "document"},
	"signed by":  {"gol çeken", "подписал", "signed by"},
	"signed":     {"gol çekildi", "подписано", "signed"},
	"stamped":    {"wagt möhüri", "штамп времени", "time stamp"},
	"expires":    {"möhleti", "действует до", "expires"},
	"level":      {"dereje", "уровень", "level"},
	"counter":    {"üstünden", "поверх", "counter"},
	"software":   {"açary faýlda", "ключ в файле", "software key"},
	"sender":     {"iberiji", "отправитель", "sender"},
	"attached":   {"goşundy", "приложение", "attached"},
	"states":     {"ýazylan", "сказано", "states"},
	"hidden":     {"görkezilmedi (--show)", "не показано (--show)", "not shown (--show)"},
	"part":       {"möhürde %d/%d maglumat bar, galanlary diňe resminamada", "в знаке %d из %d сведений, остальные – только в документе", "%d of %d facts are in the seal, the others only in the document"},
	"number":     {"barlag belgisi", "проверочный номер", "check number"},
	"journal":    {"žurnal", "журнал", "journal"},
	"entry":      {"ýazgy %d / %d, kök %s…", "запись %d из %d, корень %s…", "entry %d of %d, root %s…"},
	"whole":      {"bitewi", "целостность", "whole"},
	"signer":     {"gol", "подпись", "signer"},
	"revocation": {"ýatyrylmadyk", "не аннулирован", "not cancelled"},
	"stamp":      {"wagt", "время", "stamp"},
	"seal":       {"möhür", "знак", "seal"},
	"citizen":    {"raýat", "гражданин", "citizen"},
	"kiosk":      {"kiosk", "киоск", "kiosk"},
	"agency":     {"edara", "ведомство", "agency"},
	"portal":     {"portal", "портал", "portal"},
	"assistant":  {"kömekçi", "помощник", "assistant"},
	"other":      {"näbelli", "неизвестный", "somebody unknown"},

	"portal-receipt":   {"portalyň tassyklamasy", "подтверждение портала", "portal's receipt"},
	"stage received":   {"kabul edildi", "принято", "received"},
	"stage registered": {"hasaba alyndy", "зарегистрировано", "registered"},
	"stage refused":    {"ret edildi", "отказано", "refused"},

	"representative": {"wekil", "представитель", "representative"},

	"yes":        {"hawa", "да", "yes"},
	"no":         {"ýok", "нет", "no"},
	"unknown":    {"näbelli", "неизвестно", "unknown"},
	"unreadable": {"okalmaýar", "не читается", "unreadable"},
	"clock":      {"gol çekeniň sagady boýunça", "по часам подписавшего", "as the signer's clock says"},
	"ago":        {"%v öňki sanaw boýunça", "по списку давности %v", "as of a list %v old"},
}

func word(lang, key string) string {
	w, ok := labels[key]
	if !ok {
		return key
	}
	if i := slices.Index(explain.Langs, lang); i >= 0 {
		return w[i]
	}
	return w[2]
}

// person puts who signed into words: a kind, and an id where there is one.
func person(lang, by string) string {
	kind, id, _ := strings.Cut(by, " ")
	return strings.TrimSpace(word(lang, kind) + " " + printable(id))
}

// print writes the result for a person: what it is, then each answer with what
// was found and what that means, then the verdict by itself.
func (r result) print(w io.Writer, c check) {
	r.lines(w, c)
	_, _ = fmt.Fprintf(w, "%s\n\n", explain.Overall(c.lang, r.Verdict))
}

func (r result) lines(w io.Writer, c check) {
	line := func(name, format string, args ...any) {
		name = word(c.lang, name)
		pad := strings.Repeat(" ", max(1, 14-len([]rune(name))))
		_, _ = fmt.Fprintf(w, "  %s%s%s\n", name, pad, fmt.Sprintf(format, args...))
	}
	say := func(name string, f *finding) {
		if f == nil {
			return
		}
		reason := ""
		if f.Reason != "" && f.Reason != trust.ReasonOK {
			reason = " (" + f.Reason + ")"
		}
		line(name, "%s%s", word(c.lang, string(f.Verdict)), reason)
		for _, s := range []string{f.Found, f.Means} {
			if s != "" {
				line("", "%s", s)
			}
		}
	}
	_, _ = fmt.Fprintln(w, printable(r.Name))
	if r.Unreadable != "" {
		line("unreadable", "%s", r.Unreadable)
	}
	switch {
	case r.Record != nil:
		line(r.Kind, "%s", r.said(c.lang))
	case r.Kind != "":
		line(r.Kind, "%s", r.Service)
	}
	if r.Code != "" {
		line("code", "%s", r.Code)
	}
	if r.Document != "" {
		line("document", "%s", r.Document)
	}
	if r.SignedBy != "" {
		line("signed by", "%s", person(c.lang, r.SignedBy))
	}
	if r.Claimed != nil {
		line("signed", "%s %s", date(*r.Claimed), word(c.lang, "clock"))
	}
	if r.Trusted != nil {
		line("stamped", "%s", date(*r.Trusted))
	}
	if r.Expires != nil {
		line("expires", "%s", date(*r.Expires))
	}
	if p := r.Sender; p != nil {
		line("sender", "%s", strings.Join(strings.Fields(printable(p.Surname+" "+p.Name+" "+p.Patronymic+" "+p.Organisation+" "+p.ID)), " "))
	}
	for _, a := range r.Attachments {
		line("attached", "%s, %s, %d B", a.Name, a.MediaType, a.Size)
	}
	for _, k := range slices.Sorted(maps.Keys(r.Facts)) {
		line("states", "%s: %s", printable(k), printable(r.Facts[k]))
	}
	if r.Stated > 0 && r.Facts == nil {
		line("states", "%d %s", r.Stated, word(c.lang, "hidden"))
	}
	if r.Part != nil {
		line("", word(c.lang, "part"), r.Part.Facts, r.Part.Of)
	}
	if r.Check != "" {
		line("number", "%s", r.Check)
	}
	if r.TreeSize > 0 {
		line("journal", word(c.lang, "entry"), r.Index, r.TreeSize, r.Root)
	}
	say("seal", r.Seal)
	say("whole", r.Whole)
	say("signer", r.Signer)
	say("revocation", r.Revocation)
	if r.Age > 0 {
		line("", word(c.lang, "ago"), (time.Duration(r.Age) * time.Second).Round(time.Minute))
	}
	say("stamp", r.Stamp)
	r.furthers(line, say, c)
	if r.Copy != nil {
		r.Copy.lines(w, c)
	}
}

// furthers writes what is said of the signatures one by one: of the first only
// what is not above already.
func (r result) furthers(line func(string, string, ...any), say func(string, *finding), c check) {
	for _, s := range r.Signatures {
		if s.N > 1 {
			line("signed by", "%s", person(c.lang, s.By))
			line("signed", "%s %s", date(s.Claimed), word(c.lang, "clock"))
			say("signer", &s.Signer)
			say("revocation", &s.Revocation)
		}
		line("level", "%s", s.Level)
		if s.SoftwareKey {
			line("software", "%s", word(c.lang, "yes"))
		}
		for _, k := range s.Counter {
			line("counter", "%s, %s %s", person(c.lang, k.By), date(k.Claimed), word(c.lang, "clock"))
			say("signer", &k.Signer)
			say("revocation", &k.Revocation)
		}
	}
}

// printable takes away what would steer a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return '·'
		}
		return r
	}, s)
}

// date is when something was, in the zone of the state.
func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }
