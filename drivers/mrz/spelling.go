package mrz

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/penjire/penjire/sync/citizen"
)

// spellings are the letters that a zone may write in more than one way or not
// as the letter without its marks (Doc 9303-3, 6, tables A and B). All other
// letters of the Latin alphabet lose their marks: Ň is N, Ş is S, Ý is Y, Ž is Z.
var spellings = map[rune][]string{
	'Ä': {"AE", "A"}, 'Ö': {"OE", "O"}, 'Ü': {"UE", "UXX", "U"}, 'Å': {"AA", "A"}, 'Ñ': {"N", "NXX"},
	'Æ': {"AE"}, 'Ø': {"OE"}, 'Œ': {"OE"}, 'ẞ': {"SS"}, 'Þ': {"TH"}, 'Ð': {"D"}, 'Đ': {"D"}, 'Ł': {"L"},
	'Ħ': {"H"}, 'Ŧ': {"T"}, 'Ŋ': {"N"}, 'Ə': {"E", "A"},
	'А': {"A"}, 'Б': {"B"}, 'В': {"V"}, 'Г': {"G"}, 'Д': {"D"}, 'Е': {"E"}, 'Ё': {"E", "IO"}, 'Ж': {"ZH"},
	'З': {"Z"}, 'И': {"I"}, 'Й': {"I"}, 'К': {"K"}, 'Л': {"L"}, 'М': {"M"}, 'Н': {"N"}, 'О': {"O"}, 'П': {"P"},
	'Р': {"R"}, 'С': {"S"}, 'Т': {"T"}, 'У': {"U"}, 'Ф': {"F"}, 'Х': {"KH"}, 'Ц': {"TS"}, 'Ч': {"CH"},
	'Ш': {"SH"}, 'Щ': {"SHCH"}, 'Ъ': {"IE"}, 'Ы': {"Y"}, 'Ь': {""}, 'Э': {"E"}, 'Ю': {"IU"}, 'Я': {"IA"},
	'\'': {""}, '’': {""}, 'ʼ': {""}, '.': {""}, ',': {""}, '-': {" "}, ' ': {" "},
}

// Matches reports whether the name that a zone gives in its 26 letters can be
// the name as a register writes it: «Öwezow Şöhrat» is OWEZOW SOHRAT or OEWEZOW
// SOEHRAT. With cut, the zone may have had no room for the end. It never proves
// that two names are one: many letters share a spelling.
func Matches(registered, zone citizen.Text, cut bool) bool {
	z := zone.Reveal()
	at := map[int]bool{0: true} // how much of z the letters so far may account for
	for _, r := range norm.NFC.String(strings.ToUpper(strings.ReplaceAll(registered.Reveal(), "ß", "ẞ"))) {
		next := map[int]bool{}
		for i := range at {
			for _, s := range spell(r) {
				switch {
				case strings.HasPrefix(z[i:], s):
					next[i+len(s)] = true
				case cut && strings.HasPrefix(s, z[i:]):
					return z != ""
				}
			}
		}
		at = next
	}
	return z != "" && at[len(z)]
}

// spell returns how a zone may write r; nothing for what has no spelling.
func spell(r rune) []string {
	if s, ok := spellings[r]; ok {
		return s
	}
	base, _ := utf8.DecodeRuneInString(norm.NFD.String(string(r)))
	if base <= unicode.MaxASCII && unicode.IsUpper(base) {
		return []string{string(base)}
	}
	return spellings[base]
}
