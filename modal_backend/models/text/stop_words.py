"""Words that cannot be keywords, by language: function words, which say nothing about what a note is about.

English: FUNCTION_WORDS, shorter than the lists that are about, because those hold words of the field ("found", "near").
Nepali: NEPALI, because no list of it is in stopwords-iso. All others: stopwords-iso.
"""

from __future__ import annotations

import unicodedata
from functools import cache

# Articles, pronouns, prepositions, conjunctions, auxiliaries, common adverbs.
FUNCTION_WORDS = frozenset(
    """a about above across after again against all almost along already also although always am among an and another
    any anyone anything are aren't around as at away back be became because been before behind being below beside
    besides between beyond both but by came can can't cannot come could couldn't did didn't do does doesn't doing don't
    done down during each either else enough etc even ever every everything except few first for from further get gets
    got had hadn't has hasn't have haven't having he her here hers herself him himself his how however i i'd i'll i'm
    i've if in indeed inside instead into is isn't it it's its itself just last least less let's like made make many may
    maybe me might mine more most much must my myself near neither never next no nobody none nor not nothing now of off
    often on once one only onto or other others otherwise our ours ourselves out outside over own per perhaps put quite
    rather really same see seem seemed seems seen several shall she should shouldn't since so some someone something
    sometimes somewhere soon still such than that that's the their theirs them themselves then there there's therefore
    these they they're this those though through throughout thus till to together too toward towards under until up upon
    us use used using very via was wasn't we we're well went were weren't what whatever when where whether which while
    who whole whom whose why will with within without won't would wouldn't yes yet you you're your yours yourself
    yourselves""".split()  # noqa: SIM905
)

# Particles, pronouns, postpositions that stand alone, auxiliaries.
NEPALI = frozenset(
    """अघि अझ अझै अनि अनुसार अन्य अब अरु अरू अर्को अर्थात आज आदि आफू आफै आफैं आफ्नो उक्त उन
    उनको उनले उनी उनीहरु उनीहरू उसको उसले ऊ एउटा एउटै एक एकदम कति कसरी कसले कहाँ कहिले का कि
    किन किनभने की कुन कुनै के केवल केही को कोही क्रमशः गर गरि गरी गरेका गरेको गरेर गर्छ
    गर्छन् गर्दा गर्दै गर्न गर्नु गर्ने गर्यो चाहिँ चाहिं छ छन् छिन् छु छैन छैनन् छौं जब
    जसको जसलाई जसले जस्तै जस्तो जहाँ जान जो त तथा तर तल ताकि तिनी तिनीहरू तिमी ती त्यति त्यस
    त्यसको त्यसपछि त्यसरी त्यसैले त्यहाँ त्यही त्यो थिइन् थिए थिएन थिएनन् थियो दिए दिएको दिन
    दियो दुई देखि द्वारा धेरै न नत्र नि निकै नै पछि पनि पर्छ पर्ने पहिले प्रति प्रत्येक फेरि
    बरु बाट बाहेक बीच बीचमा भए भएका भएको भएन भएर भन भने भनेर भन्छ भन्दा भन्ने भयो भर म मा
    माझ मात्र मात्रै माथि मेरो यति यदि यद्यपि यस यसको यसपछि यसरी यसले यसै यहाँ यही या यी यो
    र रहेका रहेको रहेछ लगायत लाई लागि ले वरिपरि वा सँग संग सबै समेत सम्म साथ साथै सो सोही
    हरेक हामी हाम्रो हुँदा हुँदै हुन हुने हुन् हुन्छ हुन्थ्यो हो होइन होला""".split()  # noqa: SIM905
)

# What stopwords-iso lists although rangers write it of paths, groups, people and nights.
OF_THE_FIELD = frozenset("caminho corrente grupo noite pessoas viagem weg mensch menschen".split())  # noqa: SIM905
OWN = {"en": FUNCTION_WORDS, "ne": NEPALI}


@cache
def stop_words(language: str) -> frozenset[str]:
    """The function words of a language (ISO 639-1), lower case; none where no list of it is known."""
    if language in OWN:
        return OWN[language]
    import stopwordsiso

    listed = {unicodedata.normalize("NFC", word.lower()) for word in stopwordsiso.stopwords(language)}
    return frozenset(listed - OF_THE_FIELD)
