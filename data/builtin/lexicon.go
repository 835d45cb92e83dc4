package builtin

import "slices"

// pronoun is the class of English pronouns that a singular noun takes.
type pronoun int

const (
	neuter pronoun = iota
	masculine
	feminine
	epicene // singular people of unstated sex: no singular pronoun is used
)

// noun is a Japanese noun with its English counterpart.
type noun struct {
	ja, singular, plural string
	counter              string // 人, 匹, ...; つ counts with 二つ, 三つ, ...
	gender               pronoun
}

// massNoun is a noun that English uses without article or plural.
func massNoun(ja, en string) noun { return noun{ja: ja, singular: en} }

func (n noun) mass() bool { return n.plural == "" }

var (
	people = []noun{
		{"学生", "student", "students", "人", epicene},
		{"先生", "teacher", "teachers", "人", epicene},
		{"医者", "doctor", "doctors", "人", epicene},
		{"子供", "child", "children", "人", epicene},
		{"歌手", "singer", "singers", "人", epicene},
		{"画家", "painter", "painters", "人", epicene},
		{"記者", "reporter", "reporters", "人", epicene},
		{"作家", "writer", "writers", "人", epicene},
		{"農夫", "farmer", "farmers", "人", epicene},
		{"店員", "clerk", "clerks", "人", epicene},
		{"科学者", "scientist", "scientists", "人", epicene},
		{"少年", "boy", "boys", "人", masculine},
		{"少女", "girl", "girls", "人", feminine},
	}
	royals = []noun{
		{"王", "king", "kings", "人", masculine},
		{"女王", "queen", "queens", "人", feminine},
		{"王子", "prince", "princes", "人", masculine},
		{"王女", "princess", "princesses", "人", feminine},
	}
	animals = []noun{
		{"犬", "dog", "dogs", "匹", neuter},
		{"猫", "cat", "cats", "匹", neuter},
		{"猿", "monkey", "monkeys", "匹", neuter},
		{"狐", "fox", "foxes", "匹", neuter},
		{"馬", "horse", "horses", "頭", neuter},
		{"象", "elephant", "elephants", "頭", neuter},
		{"鳥", "bird", "birds", "羽", neuter},
	}
	organisations = []noun{
		{"会社", "company", "companies", "つ", neuter},
		{"大学", "university", "universities", "つ", neuter},
		{"銀行", "bank", "banks", "つ", neuter},
		{"工場", "factory", "factories", "つ", neuter},
		{"新聞社", "publisher", "publishers", "つ", neuter},
	}
	assets = []noun{
		{"製品", "product", "products", "つ", neuter},
		{"計画", "plan", "plans", "つ", neuter},
		{"機械", "machine", "machines", "台", neuter},
		{"建物", "building", "buildings", "つ", neuter},
		{"規則", "rule", "rules", "つ", neuter},
	}
	texts = []noun{
		{"本", "book", "books", "冊", neuter},
		{"小説", "novel", "novels", "冊", neuter},
		{"雑誌", "magazine", "magazines", "冊", neuter},
		{"手紙", "letter", "letters", "通", neuter},
		{"詩", "poem", "poems", "つ", neuter},
	}
	sights = []noun{
		{"映画", "movie", "movies", "本", neuter},
		{"写真", "photograph", "photographs", "枚", neuter},
		{"絵", "picture", "pictures", "枚", neuter},
	}
	food = []noun{
		{"りんご", "apple", "apples", "個", neuter},
		{"卵", "egg", "eggs", "個", neuter},
		{"ケーキ", "cake", "cakes", "個", neuter},
		massNoun("パン", "bread"),
		massNoun("肉", "meat"),
		massNoun("ご飯", "rice"),
	}
	drinks = []noun{
		massNoun("水", "water"),
		massNoun("お茶", "tea"),
		massNoun("牛乳", "milk"),
		massNoun("コーヒー", "coffee"),
	}
	openings = []noun{
		{"窓", "window", "windows", "つ", neuter},
		{"扉", "door", "doors", "つ", neuter},
		{"箱", "box", "boxes", "個", neuter},
	}
	goods = []noun{
		{"車", "car", "cars", "台", neuter},
		{"自転車", "bicycle", "bicycles", "台", neuter},
		{"帽子", "hat", "hats", "つ", neuter},
		{"鞄", "bag", "bags", "つ", neuter},
		{"傘", "umbrella", "umbrellas", "本", neuter},
		{"時計", "watch", "watches", "つ", neuter},
		{"鍵", "key", "keys", "つ", neuter},
		{"椅子", "chair", "chairs", "つ", neuter},
	}
	songs  = []noun{{"歌", "song", "songs", "つ", neuter}}
	rides  = []noun{goods[1], animals[4], animals[5]}
	events = []noun{
		{"会議", "meeting", "meetings", "つ", neuter},
		{"祭り", "festival", "festivals", "つ", neuter},
		{"授業", "class", "classes", "つ", neuter},
		{"試験", "exam", "exams", "つ", neuter},
		{"試合", "match", "matches", "つ", neuter},
		{"音楽会", "concert", "concerts", "つ", neuter},
	}
)

// place is a location with the English preposition that goes with it.
type place struct {
	noun
	preposition string
}

var (
	places = []place{
		{noun{"公園", "park", "parks", "つ", neuter}, "in"},
		{noun{"図書館", "library", "libraries", "つ", neuter}, "in"},
		{noun{"駅", "station", "stations", "つ", neuter}, "at"},
		{noun{"町", "town", "towns", "つ", neuter}, "in"},
		{noun{"村", "village", "villages", "つ", neuter}, "in"},
		{noun{"市場", "market", "markets", "つ", neuter}, "at"},
		{noun{"学校", "school", "schools", "つ", neuter}, "at"},
		{noun{"台所", "kitchen", "kitchens", "つ", neuter}, "in"},
		{noun{"庭", "garden", "gardens", "つ", neuter}, "in"},
		{noun{"森", "forest", "forests", "つ", neuter}, "in"},
		{noun{"病院", "hospital", "hospitals", "つ", neuter}, "at"},
		{noun{"城", "castle", "castles", "つ", neuter}, "at"},
	}
	homes  = []place{places[3], places[4], places[9]} // where one lives
	cities = [][2]string{
		{"東京", "tokyo"},
		{"京都", "kyoto"},
		{"大阪", "osaka"},
		{"札幌", "sapporo"},
		{"福岡", "fukuoka"},
		{"横浜", "yokohama"},
		{"名古屋", "nagoya"},
	}
	vehicles = [][2]string{
		{"電車", "train"},
		{"バス", "bus"},
		{"船", "ship"},
		{"飛行機", "plane"},
	}
	supports = []string{ // rules for where things lie
		"机~h の 上~p に → on~p the desk~h",
		"箱~h の 中~p に → in~p the box~h",
		"椅子~h の 下~p に → under~p the chair~h",
		"扉~h の 前~p に → before~p the door~h",
	}
	belongings = []noun{
		{"飼い主", "owner", "owners", "人", epicene},
		{"友達", "friend", "friends", "人", epicene},
		{"巣", "nest", "nests", "つ", neuter},
		massNoun("食べ物", "food"),
	}
	possessions = slices.Concat(texts, goods)
	portable    = slices.Concat(texts, goods[2:7])
)

// verb is a Japanese verb with its English counterpart.
type verb struct {
	// stem goes before ます, plain is the dictionary form and the form that
	// modifies a noun, negative goes before ない, and euphonic before て and た.
	stem, plain, negative, euphonic string
	voiced                          bool // で and だ instead of て and た

	base, third, past, gerund string
	particle                  string // of the object: を or に
	preposition               string // before the English object
	objects                   []noun
}

var (
	transitives = []verb{
		{"読み", "読む", "読ま", "読ん", true, "read", "reads", "read", "reading", "を", "", texts},
		{"書き", "書く", "書か", "書い", false, "write", "writes", "wrote", "writing", "を", "", texts},
		{"見", "見る", "見", "見", false, "watch", "watches", "watched", "watching", "を", "", slices.Concat(sights, animals)},
		{"食べ", "食べる", "食べ", "食べ", false, "eat", "eats", "ate", "eating", "を", "", food},
		{"飲み", "飲む", "飲ま", "飲ん", true, "drink", "drinks", "drank", "drinking", "を", "", drinks},
		{"買い", "買う", "買わ", "買っ", false, "buy", "buys", "bought", "buying", "を", "", slices.Concat(goods, food, texts)},
		{"売り", "売る", "売ら", "売っ", false, "sell", "sells", "sold", "selling", "を", "", slices.Concat(goods, food, drinks)},
		{"開け", "開ける", "開け", "開け", false, "open", "opens", "opened", "opening", "を", "", openings},
		{"閉め", "閉める", "閉め", "閉め", false, "close", "closes", "closed", "closing", "を", "", openings},
		{"洗い", "洗う", "洗わ", "洗っ", false, "wash", "washes", "washed", "washing", "を", "", slices.Concat(goods[:4], openings)},
		{"探し", "探す", "探さ", "探し", false, "look", "looks", "looked", "looking", "を", "for", slices.Concat(goods, texts, animals)},
		{"運び", "運ぶ", "運ば", "運ん", true, "carry", "carries", "carried", "carrying", "を", "", slices.Concat(goods[2:], texts)},
		{"直し", "直す", "直さ", "直し", false, "repair", "repairs", "repaired", "repairing", "を", "", slices.Concat(goods, openings)},
		{"描き", "描く", "描か", "描い", false, "paint", "paints", "painted", "painting", "を", "", slices.Concat(animals, people)},
		{"歌い", "歌う", "歌わ", "歌っ", false, "sing", "sings", "sang", "singing", "を", "", songs},
		{"助け", "助ける", "助け", "助け", false, "help", "helps", "helped", "helping", "を", "", slices.Concat(people, animals)},
		{"呼び", "呼ぶ", "呼ば", "呼ん", true, "call", "calls", "called", "calling", "を", "", slices.Concat(people, animals)},
		{"待ち", "待つ", "待た", "待っ", false, "wait", "waits", "waited", "waiting", "を", "for", people},
		{"会い", "会う", "会わ", "会っ", false, "meet", "meets", "met", "meeting", "に", "", people},
		{"乗り", "乗る", "乗ら", "乗っ", false, "ride", "rides", "rode", "riding", "に", "", rides},
	}
	intransitives = []verb{
		{"走り", "走る", "走ら", "走っ", false, "run", "runs", "ran", "running", "", "", nil},
		{"歩き", "歩く", "歩か", "歩い", false, "walk", "walks", "walked", "walking", "", "", nil},
		{"泳ぎ", "泳ぐ", "泳が", "泳い", true, "swim", "swims", "swam", "swimming", "", "", nil},
		{"眠り", "眠る", "眠ら", "眠っ", false, "sleep", "sleeps", "slept", "sleeping", "", "", nil},
		{"休み", "休む", "休ま", "休ん", true, "rest", "rests", "rested", "resting", "", "", nil},
		{"遊び", "遊ぶ", "遊ば", "遊ん", true, "play", "plays", "played", "playing", "", "", nil},
		{"笑い", "笑う", "笑わ", "笑っ", false, "laugh", "laughs", "laughed", "laughing", "", "", nil},
		{"泣き", "泣く", "泣か", "泣い", false, "cry", "cries", "cried", "crying", "", "", nil},
		{"働き", "働く", "働か", "働い", false, "work", "works", "worked", "working", "", "", nil},
		{"踊り", "踊る", "踊ら", "踊っ", false, "dance", "dances", "danced", "dancing", "", "", nil},
	}
	motions = []verb{
		{"行き", "行く", "行か", "行っ", false, "go", "goes", "went", "going", "", "", nil},
		{"来", "来る", "来", "来", false, "come", "comes", "came", "coming", "", "", nil},
		{"帰り", "帰る", "帰ら", "帰っ", false, "return", "returns", "returned", "returning", "", "", nil},
		{"旅行 し", "旅行 する", "旅行 し", "旅行 し", false, "travel", "travels", "traveled", "traveling", "", "", nil},
	}
	// The verbs of what organisations do with their assets.
	dealings = []verb{
		{"発表 し", "発表 する", "発表 し", "発表 し", false, "announce", "announces", "announced", "announcing", "を", "", assets},
		{"紹介 し", "紹介 する", "紹介 し", "紹介 し", false, "introduce", "introduces", "introduced", "introducing", "を", "", assets},
		{"変え", "変える", "変え", "変え", false, "change", "changes", "changed", "changing", "を", "", assets},
		{"守り", "守る", "守ら", "守っ", false, "protect", "protects", "protected", "protecting", "を", "", assets},
	}
)

// adjective is a Japanese adjective with its English counterpart.
type adjective struct {
	ja       string // 面白い, or the stem of a na-adjective: 元気
	en       string
	polarity int
	na       bool
}

var (
	peopleAdjectives = []adjective{
		{"親切", "kind", +1, true},
		{"優しい", "gentle", +1, false},
		{"元気", "healthy", +1, true},
		{"賢い", "clever", +1, false},
		{"幸せ", "happy", +1, true},
		{"失礼", "rude", -1, true},
		{"怠惰", "lazy", -1, true},
		{"冷たい", "cold", -1, false},
		{"若い", "young", 0, false},
		{"忙しい", "busy", 0, false},
		{"有名", "famous", 0, true},
	}
	workAdjectives = []adjective{
		{"面白い", "interesting", +1, false},
		{"素晴らしい", "wonderful", +1, false},
		{"楽しい", "enjoyable", +1, false},
		{"退屈", "boring", -1, true},
		{"ひどい", "terrible", -1, false},
		{"下らない", "silly", -1, false},
		{"長い", "long", 0, false},
		{"短い", "short", 0, false},
		{"有名", "famous", 0, true},
	}
	goodsAdjectives = []adjective{
		{"便利", "useful", +1, true},
		{"美しい", "beautiful", +1, false},
		{"汚い", "dirty", -1, false},
		{"不便", "inconvenient", -1, true},
		{"新しい", "new", 0, false},
		{"古い", "old", 0, false},
		{"大きい", "big", 0, false},
		{"小さい", "small", 0, false},
		{"赤い", "red", 0, false},
		{"白い", "white", 0, false},
		{"重い", "heavy", 0, false},
	}
	foodAdjectives = []adjective{
		{"美味しい", "delicious", +1, false},
		{"新鮮", "fresh", +1, true},
		{"まずい", "awful", -1, false},
		{"甘い", "sweet", 0, false},
		{"高い", "expensive", 0, false},
		{"安い", "cheap", 0, false},
	}
	placeAdjectives = []adjective{
		{"静か", "quiet", +1, true},
		{"安全", "safe", +1, true},
		{"美しい", "beautiful", +1, false},
		{"危険", "dangerous", -1, true},
		{"汚い", "dirty", -1, false},
		{"広い", "spacious", 0, false},
		{"古い", "old", 0, false},
		{"有名", "famous", 0, true},
	}
)

// state is a passing state with what it makes people and animals do.
type state struct {
	te      string // the て-form, before い た
	en      string
	results []string // rules for the past tense
}

var states = []state{
	{"疲れ~s て", "tired", []string{"眠り~v まし た~v → slept~v", "休み~v まし た~v → rested~v", "帰り~v まし た~v → returned~v"}},
	{"怪我~s し~s て", "injured", []string{"休み~v まし た~v → rested~v", "泣き~v まし た~v → cried~v", "帰り~v まし た~v → returned~v"}},
	{"お腹~s が 空い~s て", "hungry", []string{"りんご~o を 食べ~v まし た~v → ate~v the apple~o", "ケーキ~o を 食べ~v まし た~v → ate~v the cake~o", "泣き~v まし た~v → cried~v"}},
	{"喉~s が 渇い~s て", "thirsty", []string{"水~o を 飲み~v まし た~v → drank~v water~o", "牛乳~o を 飲み~v まし た~v → drank~v milk~o"}},
	{"喜ん~s で", "glad", []string{"笑い~v まし た~v → laughed~v", "踊り~v まし た~v → danced~v"}},
}
