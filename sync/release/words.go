package release

import (
	_ "embed"
	"encoding/json"
)

//go:embed words.json
var wordsFile []byte

// Word is what people are told of a code: what is so, and what to do.
type Word struct {
	Says string `json:"says"`
	Do   string `json:"do"`
}

var words = func() map[string]map[string]Word {
	var w map[string]map[string]Word
	if err := json.Unmarshal(wordsFile, &w); err != nil {
		panic(err) // it is part of the program; a test reads it
	}
	return w
}()

// Say returns the words for a code or for a phase's name, in "tk", "ru" or "en"; in
// English where the language is another. For the technician at the kiosk and the
// operator at the portal they are the same words.
func Say(lang, code string) Word {
	for _, l := range []string{lang, "en"} {
		if w, ok := words[l][code]; ok {
			return w
		}
	}
	return Word{Says: code}
}
