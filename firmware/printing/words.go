package printing

import "github.com/penjire/penjire/sync/catalog"

// The words of the papers. The Turkmen terms are those of the laws
// (REQUIREMENTS, Terms).
var words = struct {
	Name, Repeat, RepeatWhy                                     catalog.Text
	CodeLabel, Kept, KeptAt, NotSent, NotSentMore               catalog.Text
	Received, ReceivedMore, Answer, AnswerBy                    catalog.Text
	LookHead, LookKiosk, LookCode, LookWeb                      catalog.Text
	SealReceipt, SealNew, Proof, Entry, Tree, Root, Kiosk, Keep catalog.Text
	CopyHead, CopyLaw, CopyRepeat                               catalog.Text
	Subject, ID, Certified, Signer, Signed                      catalog.Text
	Request, RequestOf, Original, Pages, Printed                catalog.Text
	SealCopy, Sealed, CheckLabel, CheckAt                       catalog.Text
}{
	Name: catalog.Text{TK: "Bir penjire", RU: "Одно окно", EN: "One window"},
	Repeat: catalog.Text{
		TK: "GAÝTADAN ÇAP EDILEN",
		RU: "НАПЕЧАТАНО ПОВТОРНО",
		EN: "PRINTED AGAIN",
	},
	RepeatWhy: catalog.Text{
		TK: "Şu çek öň hem çap edilen bolup biler. Sargytnama birdir.",
		RU: "Этот чек могли напечатать и раньше. Заявка одна.",
		EN: "An earlier print of this receipt may exist. There is one request.",
	},
	CodeLabel: catalog.Text{
		TK: "Sargytnamaňyzyň belgisi",
		RU: "Код вашей заявки",
		EN: "Code of your request",
	},
	Kept: catalog.Text{
		TK: "Gol çekildi we ygtybarly saklandy",
		RU: "Подписана и надёжно сохранена",
		EN: "Signed and kept safely",
	},
	KeptAt: catalog.Text{TK: "Şu kioskda, ", RU: "В этом киоске, ", EN: "At this kiosk, "},
	NotSent: catalog.Text{
		TK: "Portal heniz almady",
		RU: "Портал её ещё не получил",
		EN: "Not yet received by the portal",
	},
	NotSentMore: catalog.Text{
		TK: "Aragatnaşyk bolanda özi iberiler. Siziň başga hiç zat etmegiňiz gerek däl.",
		RU: "Отправится сама, как только появится связь. Вам больше ничего делать не нужно.",
		EN: "It is sent by itself as soon as there is a connection. There is nothing more for you to do.",
	},
	Received: catalog.Text{
		TK: "Portal aldy",
		RU: "Портал получил",
		EN: "Received by the portal",
	},
	ReceivedMore: catalog.Text{
		TK: "Alnandygy portalyň goly bilen tassyklandy.",
		RU: "Получение подтверждено подписью портала.",
		EN: "The portal's signature confirms it.",
	},
	Answer: catalog.Text{TK: "Edara jogap berer", RU: "Ведомство ответит", EN: "The agency answers"},
	AnswerBy: catalog.Text{
		TK: "Möhleti: ", RU: "Срок: до ", EN: "By ",
	},
	LookHead: catalog.Text{TK: "Ýagdaýyny bilmek üçin", RU: "Узнать о ходе", EN: "To see how it goes"},
	LookKiosk: catalog.Text{
		TK: "Şu kioskda: kartyňyz ýa-da ýokardaky belgi bilen.",
		RU: "В этом киоске: по карте или по коду вверху.",
		EN: "At this kiosk: with your card, or with the code above.",
	},
	LookCode: catalog.Text{
		TK: "Şu kioskda: diňe ýokardaky belgi bilen.",
		RU: "В этом киоске: только по коду вверху.",
		EN: "At this kiosk: only with the code above.",
	},
	LookWeb: catalog.Text{TK: "Internetde: ", RU: "В интернете: ", EN: "On the web: "},
	SealReceipt: catalog.Text{
		TK: "Çekiň möhüri. Onuň hakykydygyny islendik telefon bilen barlap bolýar.",
		RU: "Знак чека. Его подлинность можно проверить любым телефоном.",
		EN: "Seal of this receipt. Any phone can check that it is genuine.",
	},
	SealNew: catalog.Text{
		TK: "Çekiň möhüri. Bu kiosk täze: ony häzirlikçe diňe portal barlap bilýär.",
		RU: "Знак чека. Этот киоск новый: проверить его пока может только портал.",
		EN: "Seal of this receipt. This kiosk is new: only the portal can check it so far.",
	},
	Proof: catalog.Text{TK: "Žurnaldaky subutnama", RU: "Доказательство в журнале", EN: "Proof in the journal"},
	Entry: catalog.Text{TK: "Ýazgy № ", RU: "Запись № ", EN: "Entry no. "},
	Tree:  catalog.Text{TK: "Jemi ýazgy: ", RU: "Всего записей: ", EN: "Entries in all: "},
	Root:  catalog.Text{TK: "Kök belgisi (başy):", RU: "Корень (начало):", EN: "Root (its beginning):"},
	Kiosk: catalog.Text{TK: "Kiosk ", RU: "Киоск ", EN: "Kiosk "},
	Keep: catalog.Text{
		TK: "Jogap alýançaňyz şu çeki saklaň.",
		RU: "Сохраните чек до получения ответа.",
		EN: "Keep this receipt until you have the answer.",
	},

	CopyHead: catalog.Text{
		TK: "ELEKTRON RESMINAMANYŇ KAGYZ NUSGASY",
		RU: "БУМАЖНАЯ КОПИЯ ЭЛЕКТРОННОГО ДОКУМЕНТА",
		EN: "PAPER COPY OF AN E-DOCUMENT",
	},
	CopyLaw: catalog.Text{
		TK: "Elektron resminamanyň kagyz göterijidäki nusgasy. «Elektron resminama, elektron resminama dolanyşygy we sanly hyzmatlar hakynda» Kanunyň 9-njy maddasy. Asyl nusgasy elektron görnüşdedir.",
		RU: "Копия электронного документа на бумажном носителе. Статья 9 Закона «Об электронном документе, электронном документообороте и цифровых услугах». Подлинник — электронный.",
		EN: "Copy of an e-document on paper. Article 9 of the Law on the electronic document, electronic document flow and digital services. The original is electronic.",
	},
	CopyRepeat: catalog.Text{
		TK: "Şu nusga öň hem çap edilen bolup biler. Asyl nusgasy birdir.",
		RU: "Эту копию могли напечатать и раньше. Подлинник один.",
		EN: "An earlier print of this copy may exist. There is one original.",
	},
	Subject:   catalog.Text{TK: "Kime berildi", RU: "Кому выдано", EN: "Issued to"},
	ID:        catalog.Text{TK: "Barabarlandyryjysy", RU: "Идентификатор", EN: "Identifier"},
	Certified: catalog.Text{TK: "Tassyklaýan", RU: "Заверяет", EN: "Certified by"},
	Signer:    catalog.Text{TK: "Elektron sanly gol", RU: "Электронная цифровая подпись", EN: "Digital signature"},
	Signed:    catalog.Text{TK: "Gol çekilen senesi", RU: "Дата подписания", EN: "Signed on"},
	Request:   catalog.Text{TK: "Sargytnama", RU: "Заявка", EN: "Request"},
	RequestOf: catalog.Text{TK: "Berlen senesi", RU: "Дата подачи", EN: "Made on"},
	Original:  catalog.Text{TK: "Asyl nusganyň belgisi", RU: "Обозначение подлинника", EN: "Identity of the original"},
	Pages:     catalog.Text{TK: "Sahypa sany", RU: "Количество страниц", EN: "Number of pages"},
	Printed:   catalog.Text{TK: "Çap edildi", RU: "Напечатано", EN: "Printed"},
	SealCopy: catalog.Text{
		TK: "Nusganyň möhüri. Telefon bilen açyň we ýazgylary deňeşdiriň.",
		RU: "Знак копии. Откройте телефоном и сравните записи.",
		EN: "Seal of this copy. Open it with a phone and compare what it says.",
	},
	Sealed: catalog.Text{ // as on the A4 copy
		TK: "Bellik edilen setirler (%d/%d) möhüriň özünde hem bar. Galanlaryny portaldaky resminama bilen deňeşdiriň.",
		RU: "Отмеченные строки (%d из %d) есть и в самом знаке. Остальные сравните с документом на портале.",
		EN: "The marked lines (%d of %d) are in the seal itself too. Compare the others with the document on the portal.",
	},
	CheckLabel: catalog.Text{TK: "Barlag belgisi", RU: "Проверочный номер", EN: "Check number"},
	CheckAt:    catalog.Text{TK: "Barlamak üçin: ", RU: "Проверить: ", EN: "Check at: "},
}
