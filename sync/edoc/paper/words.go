package paper

import "github.com/penjire/penjire/sync/catalog"

// official are the words without which a paper copy has no force (ED-9). They
// stand on every page, in the state's language, whatever the copy's is.
const official = "elektron resminamanyň kagyz nusgasy"

// words are the copy's other words. The Turkmen terms are those of the laws
// (REQUIREMENTS, Terms), and those of the receipt paper where it has the same.
var words = struct {
	Head, Law                                             catalog.Text
	Subject, ID, Facts, Answer, Sealed                    catalog.Text
	Certified, Signer, Signed, Stamped                    catalog.Text
	Check, CheckPhone, CheckWeb                           catalog.Text
	Requisites, Name, Heading, Made, Registered           catalog.Text
	Pages, PagesOf, To, Position, From, Postal, Email     catalog.Text
	Regulation, Original, Request, Attachments, Continued catalog.Text
}{
	Head: catalog.Text{
		TK: "", // the official words are
		RU: "Бумажная копия электронного документа",
		EN: "Paper copy of an e-document",
	},
	Law: catalog.Text{
		TK: "«Elektron resminama, elektron resminama dolanyşygy we sanly hyzmatlar hakynda» Kanunyň 9-njy maddasy esasynda tassyklandy. Asyl nusgasy elektron görnüşdedir.",
		RU: "Заверена на основании статьи 9 Закона «Об электронном документе, электронном документообороте и цифровых услугах». Подлинник — электронный.",
		EN: "Certified under Article 9 of the Law on the electronic document, electronic document flow and digital services. The original is electronic.",
	},
	Subject: catalog.Text{TK: "Kime berildi", RU: "Кому выдано", EN: "Issued to"},
	ID:      catalog.Text{TK: "Barabarlandyryjysy", RU: "Идентификатор", EN: "Identifier"},
	Facts:   catalog.Text{TK: "Resminamada aýdylýar", RU: "В документе указано", EN: "The document states"},
	Answer:  catalog.Text{TK: "Jogabyň ýazgysy", RU: "Текст ответа", EN: "Text of the answer"},
	Sealed: catalog.Text{
		TK: "Bellik edilen setirler (%d/%d) möhüriň özünde hem bar. Galanlaryny portaldaky resminama bilen deňeşdiriň.",
		RU: "Отмеченные строки (%d из %d) есть и в самом знаке. Остальные сравните с документом на портале.",
		EN: "The marked lines (%d of %d) are in the seal itself too. Compare the others with the document on the portal.",
	},
	Certified: catalog.Text{TK: "Tassyklaýan", RU: "Заверяет", EN: "Certified by"},
	Signer:    catalog.Text{TK: "Elektron sanly gol", RU: "Электронная цифровая подпись", EN: "Digital signature"},
	Signed:    catalog.Text{TK: "Gol çekilen wagty", RU: "Время подписания", EN: "Signed"},
	Stamped:   catalog.Text{TK: "Wagt möhüri", RU: "Штамп времени", EN: "Time stamp"},
	Check:     catalog.Text{TK: "Barlag belgisi", RU: "Проверочный номер", EN: "Check number"},
	CheckPhone: catalog.Text{
		TK: "Islendik telefon bilen: möhüri açyň we ýazgylary deňeşdiriň.",
		RU: "Любым телефоном: откройте знак и сравните записи.",
		EN: "With any phone: open the seal and compare what it says.",
	},
	CheckWeb: catalog.Text{
		TK: "Internetde: barlag belgisini %s sahypasyna ýazyň.",
		RU: "В интернете: введите проверочный номер на %s.",
		EN: "On the web: type the check number at %s.",
	},
	Requisites: catalog.Text{TK: "Asyl nusganyň rekwizitleri", RU: "Реквизиты подлинника", EN: "Requisites of the original"},
	Name:       catalog.Text{TK: "Ady", RU: "Название", EN: "Name"},
	Heading:    catalog.Text{TK: "Sözbaşysy", RU: "Заголовок", EN: "Heading"},
	Made:       catalog.Text{TK: "Taýýarlanan senesi", RU: "Дата создания", EN: "Date made"},
	Registered: catalog.Text{TK: "Hasaba alnan senesi", RU: "Дата регистрации", EN: "Date registered"},
	Pages:      catalog.Text{TK: "Sahypa sany", RU: "Количество страниц", EN: "Number of pages"},
	PagesOf: catalog.Text{
		TK: "%d (goşundylary bilen), nusganyň — %d",
		RU: "%d (с приложениями), копии — %d",
		EN: "%d (with attachments), of the copy: %d",
	},
	To:          catalog.Text{TK: "Adresat", RU: "Адресат", EN: "Addressee"},
	Position:    catalog.Text{TK: "Wezipesi", RU: "Должность", EN: "Position"},
	From:        catalog.Text{TK: "Iberiji", RU: "Отправитель", EN: "Sender"},
	Postal:      catalog.Text{TK: "Poçta salgysy", RU: "Почтовый адрес", EN: "Postal address"},
	Email:       catalog.Text{TK: "Elektron poçtasy", RU: "Электронная почта", EN: "E-mail address"},
	Regulation:  catalog.Text{TK: "Esasy", RU: "Основание", EN: "Regulation"},
	Original:    catalog.Text{TK: "Asyl nusganyň belgisi", RU: "Обозначение подлинника", EN: "Identity of the original"},
	Request:     catalog.Text{TK: "Sargytnama", RU: "Заявка", EN: "Request"},
	Attachments: catalog.Text{TK: "Goşundylar", RU: "Приложения", EN: "Attachments"},
	Continued:   catalog.Text{TK: "dowamy", RU: "продолжение", EN: "continued"},
}
