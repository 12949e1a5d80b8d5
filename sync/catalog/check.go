package catalog

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What is wrong with an answer, where the row has no words of its own for it.
var (
	faultRequired = Text{
		TK: "Bu soraga jogap bermek hökmandyr.",
		RU: "На этот вопрос нужно ответить.",
		EN: "This question needs an answer.",
	}
	faultInteger = Text{
		TK: "Diňe sanlar bilen ýazyň, mysal üçin 12.",
		RU: "Напишите только цифрами, например 12.",
		EN: "Use digits only, for example 12.",
	}
	faultDate = Text{
		TK: "Gününi, aýyny we ýylyny ýazyň, mysal üçin 7 3 1984.",
		RU: "Укажите день, месяц и год, например 7 3 1984.",
		EN: "Give the day, the month and the year, for example 7 3 1984.",
	}
	faultNoDay = Text{
		TK: "Senenamada beýle gün ýok.",
		RU: "Такого дня в календаре нет.",
		EN: "There is no such day in the calendar.",
	}
	faultPhone = Text{
		TK: "Telefon belgisini ýazyň, mysal üçin +993 65 12 34 56.",
		RU: "Напишите номер телефона, например +993 65 12 34 56.",
		EN: "Give a telephone number, for example +993 65 12 34 56.",
	}
	faultChoice = Text{
		TK: "Görkezilen jogaplardan saýlaň.",
		RU: "Выберите из предложенных ответов.",
		EN: "Choose from the answers shown.",
	}
	faultCharacter = Text{
		TK: "Jogapda ulanyp bolmaýan belgi bar.",
		RU: "В ответе есть недопустимый знак.",
		EN: "The answer has a character that cannot be used.",
	}
	faultConstraint = Text{
		TK: "Bu jogap laýyk gelmeýär. Barlap görüň.",
		RU: "Этот ответ не подходит. Проверьте его.",
		EN: "This answer does not fit. Check it.",
	}
)

func faultLength(n int) Text {
	s := strconv.Itoa(n)
	return Text{
		TK: "Jogap örän uzyn: " + s + " belgiden köp bolmaly däl.",
		RU: "Ответ слишком длинный: допускается знаков — " + s + ".",
		EN: "The answer is too long: at most " + s + " characters.",
	}
}

var (
	integerForm = regexp.MustCompile(`^-?[0-9]{1,15}$`)
	dateForm    = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	phoneForm   = regexp.MustCompile(`^\+?[0-9](?:[ -]?[0-9]){5,14}$`)
)

// check is [Service.CheckRow] with its surroundings worked out.
func (s *Service) check(r Row, v string, e env) Text {
	kind := r.Kind()
	if kind == KindNote || kind == KindCalculate {
		return Text{}
	}
	if strings.TrimSpace(v) == "" {
		if r.Required {
			return faultRequired
		}
		return Text{} // a constraint does not bind an answer that was not given
	}
	if utf8.RuneCountInString(v) > r.Limit() {
		return faultLength(r.Limit())
	}
	if !printable(v, r.Appearance == "multiline") {
		return faultCharacter
	}
	if t := s.checkKind(kind, r, v); !t.IsZero() {
		return t
	}
	if r.Constraint == "" {
		return Text{}
	}
	// A constraint that cannot be evaluated refuses: nothing unchecked is signed.
	x, err := parseExpr(r.Constraint)
	if err == nil {
		var got value
		if got, err = x.eval(e); err == nil && got.bool() {
			return Text{}
		}
	}
	if r.ConstraintMessage.IsZero() {
		return faultConstraint
	}
	return r.ConstraintMessage
}

func (s *Service) checkKind(kind string, r Row, v string) Text {
	switch kind {
	case KindInteger:
		if !integerForm.MatchString(v) {
			return faultInteger
		}
	case KindDate:
		if !dateForm.MatchString(v) {
			return faultDate
		}
		if _, err := time.Parse(time.DateOnly, v); err != nil {
			return faultNoDay // 31 February
		}
	case KindPhone:
		if !phoneForm.MatchString(v) {
			return faultPhone
		}
	case KindSelectOne:
		if !s.offers(r, v) {
			return faultChoice
		}
	case KindSelectMultiple:
		seen := map[string]bool{}
		for c := range strings.FieldsSeq(v) {
			if seen[c] || !s.offers(r, c) {
				return faultChoice
			}
			seen[c] = true
		}
	}
	return Text{}
}

func (s *Service) offers(r Row, choice string) bool {
	return slices.ContainsFunc(s.Choices[r.List()], func(c Choice) bool { return c.Name == choice })
}

// printable reports whether people can read every character of v, and it is
// valid UTF-8. Marks that turn the writing direction around are refused: with
// them a text can read differently from what is signed.
func printable(v string, lines bool) bool {
	for _, c := range v {
		switch {
		case c == '\n' && lines:
		case c == utf8.RuneError, unicode.IsControl(c), unicode.Is(unicode.Cf, c), unicode.Is(unicode.Co, c), c == '\u2028', c == '\u2029':
			return false
		}
	}
	return true
}
