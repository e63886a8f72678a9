// CharacterNames: the named characters of HTML that letters and marks of mail are written with.
// HTML, section 13.5 (those up to U+20FF, and what looks like ASCII).
// SPDX-License-Identifier: MIT

import MailModel

/// Names of characters.
enum CharacterNames {
    /// The UTF-8 of a name; nil when it is not known.
    static func text(_ name: ArraySlice<UInt8>) -> [UInt8]? { known[Array(name)] }

    /// The longest name that a text begins with and that needs no semicolon.
    static func prefix(of text: ArraySlice<UInt8>) -> (length: Int, text: [UInt8])? {
        for length in (2...6).reversed() where length <= text.count {
            let name = Array(text.prefix(length))
            if short.contains(name), let text = known[name] { return (length, text) }
        }
        return nil
    }

    private static let known: [[UInt8]: [UInt8]] = {
        var all: [[UInt8]: [UInt8]] = [:]
        for word in names.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }) {
            let halves = word.split(separator: 0x3D)
            guard halves.count == 2 else { continue }
            let text = halves[1].split(separator: 0x2B).compactMap { digits in
                UInt32(String(decoding: digits, as: UTF8.self), radix: 16).flatMap(
                    Unicode.Scalar.init)
            }
            all[Array(halves[0])] = text.flatMap { Array(Character($0).utf8) }
        }
        return all
    }()

    private static let short = Set(
        shortNames.utf8.split(whereSeparator: { $0 == 0x20 || $0 == 0x0A }).map { Array($0) })

    private static let shortNames = """
        Aacute aacute Acirc acirc acute AElig aelig Agrave agrave AMP amp Aring aring Atilde
        atilde Auml auml brvbar Ccedil ccedil cedil cent COPY copy curren deg divide Eacute
        eacute Ecirc ecirc Egrave egrave ETH eth Euml euml frac12 frac14 frac34 GT gt Iacute
        iacute Icirc icirc iexcl Igrave igrave iquest Iuml iuml laquo LT lt macr micro middot
        nbsp not Ntilde ntilde Oacute oacute Ocirc ocirc Ograve ograve ordf ordm Oslash oslash
        Otilde otilde Ouml ouml para plusmn pound QUOT quot raquo REG reg sect shy sup1 sup2
        sup3 szlig THORN thorn times Uacute uacute Ucirc ucirc Ugrave ugrave uml Uuml uuml
        Yacute yacute yen yuml
        """

    private static let names = """
        Aacute=c1 aacute=e1 Abreve=102 abreve=103 Acirc=c2 acirc=e2 acute=b4 Acy=410 acy=430
        AElig=c6 aelig=e6 af=2061 Agrave=c0 agrave=e0 Alpha=391 alpha=3b1 Amacr=100 amacr=101
        AMP=26 amp=26 angst=c5 Aogon=104 aogon=105 apos=27 ApplyFunction=2061 Aring=c5 aring=e5
        ast=2a Atilde=c3 atilde=e3 Auml=c4 auml=e4 backepsilon=3f6 backprime=2035 Backslash=2216
        Bcy=411 bcy=431 bdquo=201e bepsi=3f6 Beta=392 beta=3b2 bne=3d+20e5 bprime=2035 Breve=2d8
        breve=2d8 brvbar=a6 bsemi=204f bsol=5c bull=2022 bullet=2022 Cacute=106 cacute=107
        caret=2041 caron=2c7 Ccaron=10c ccaron=10d Ccedil=c7 ccedil=e7 Ccirc=108 ccirc=109
        Cdot=10a cdot=10b cedil=b8 Cedilla=b8 cent=a2 CenterDot=b7 centerdot=b7 CHcy=427
        chcy=447 Chi=3a7 chi=3c7 circ=2c6 circledR=ae CloseCurlyDoubleQuote=201d
        CloseCurlyQuote=2019 colon=3a comma=2c commat=40 COPY=a9 copy=a9 curren=a4 Dagger=2021
        dagger=2020 dash=2010 dblac=2dd Dcaron=10e dcaron=10f Dcy=414 dcy=434 ddagger=2021
        deg=b0 Delta=394 delta=3b4 DiacriticalAcute=b4 DiacriticalDot=2d9
        DiacriticalDoubleAcute=2dd DiacriticalGrave=60 DiacriticalTilde=2dc die=a8 digamma=3dd
        div=f7 divide=f7 DJcy=402 djcy=452 dollar=24 Dot=a8 dot=2d9 DotDot=20dc DoubleDot=a8
        DownBreve=311 DScy=405 dscy=455 Dstrok=110 dstrok=111 DZcy=40f dzcy=45f Eacute=c9
        eacute=e9 Ecaron=11a ecaron=11b Ecirc=ca ecirc=ea Ecy=42d ecy=44d Edot=116 edot=117
        Egrave=c8 egrave=e8 Emacr=112 emacr=113 emsp=2003 emsp13=2004 emsp14=2005 ENG=14a
        eng=14b ensp=2002 Eogon=118 eogon=119 epsi=3b5 Epsilon=395 epsilon=3b5 epsiv=3f5
        equals=3d Eta=397 eta=3b7 ETH=d0 eth=f0 Euml=cb euml=eb euro=20ac excl=21 Fcy=424
        fcy=444 ffilig=fb03 fflig=fb00 ffllig=fb04 filig=fb01 fjlig=66+6a fllig=fb02 fnof=192
        frac12=bd frac14=bc frac34=be frasl=2044 gacute=1f5 Gamma=393 gamma=3b3 Gammad=3dc
        gammad=3dd Gbreve=11e gbreve=11f Gcedil=122 Gcirc=11c gcirc=11d Gcy=413 gcy=433 Gdot=120
        gdot=121 GJcy=403 gjcy=453 grave=60 GT=3e gt=3e Hacek=2c7 hairsp=200a half=bd HARDcy=42a
        hardcy=44a Hat=5e Hcirc=124 hcirc=125 hellip=2026 horbar=2015 Hstrok=126 hstrok=127
        hybull=2043 hyphen=2010 Iacute=cd iacute=ed ic=2063 Icirc=ce icirc=ee Icy=418 icy=438
        Idot=130 IEcy=415 iecy=435 iexcl=a1 Igrave=cc igrave=ec IJlig=132 ijlig=133 Imacr=12a
        imacr=12b imath=131 imped=1b5 inodot=131 InvisibleComma=2063 InvisibleTimes=2062
        IOcy=401 iocy=451 Iogon=12e iogon=12f Iota=399 iota=3b9 iquest=bf it=2062 Itilde=128
        itilde=129 Iukcy=406 iukcy=456 Iuml=cf iuml=ef Jcirc=134 jcirc=135 Jcy=419 jcy=439
        jmath=237 Jsercy=408 jsercy=458 Jukcy=404 jukcy=454 Kappa=39a kappa=3ba kappav=3f0
        Kcedil=136 kcedil=137 Kcy=41a kcy=43a kgreen=138 KHcy=425 khcy=445 KJcy=40c kjcy=45c
        Lacute=139 lacute=13a Lambda=39b lambda=3bb lang=27e8 langle=27e8 laquo=ab lbrace=7b
        lbrack=5b Lcaron=13d lcaron=13e Lcedil=13b lcedil=13c lcub=7b Lcy=41b lcy=43b ldquo=201c
        ldquor=201e LeftAngleBracket=27e8 LJcy=409 ljcy=459 Lmidot=13f lmidot=140 lowast=2217
        lowbar=5f lpar=28 lrm=200e lsaquo=2039 lsqb=5b lsquo=2018 lsquor=201a Lstrok=141
        lstrok=142 LT=3c lt=3c macr=af Mcy=41c mcy=43c mdash=2014 MediumSpace=205f micro=b5
        mid=2223 midast=2a middot=b7 minus=2212 mldr=2026 Mu=39c mu=3bc Nacute=143 nacute=144
        napos=149 nbsp=a0 Ncaron=147 ncaron=148 Ncedil=145 ncedil=146 Ncy=41d ncy=43d ndash=2013
        NegativeMediumSpace=200b NegativeThickSpace=200b NegativeThinSpace=200b
        NegativeVeryThinSpace=200b NewLine=a NJcy=40a njcy=45a nldr=2025 NoBreak=2060
        NonBreakingSpace=a0 not=ac Ntilde=d1 ntilde=f1 Nu=39d nu=3bd num=23 numsp=2007
        nvgt=3e+20d2 nvlt=3c+20d2 nvsim=223c+20d2 Oacute=d3 oacute=f3 Ocirc=d4 ocirc=f4 Ocy=41e
        ocy=43e Odblac=150 odblac=151 OElig=152 oelig=153 ogon=2db Ograve=d2 ograve=f2 ohm=3a9
        oline=203e Omacr=14c omacr=14d Omega=3a9 omega=3c9 Omicron=39f omicron=3bf
        OpenCurlyDoubleQuote=201c OpenCurlyQuote=2018 ordf=aa ordm=ba Oslash=d8 oslash=f8
        Otilde=d5 otilde=f5 Ouml=d6 ouml=f6 OverBar=203e para=b6 Pcy=41f pcy=43f percnt=25
        period=2e permil=2030 pertenk=2031 Phi=3a6 phi=3c6 phiv=3d5 Pi=3a0 pi=3c0 piv=3d6
        plus=2b PlusMinus=b1 plusmn=b1 pm=b1 pound=a3 Prime=2033 prime=2032 Psi=3a8 psi=3c8
        puncsp=2008 qprime=2057 quest=3f QUOT=22 quot=22 Racute=154 racute=155 rang=27e9
        rangle=27e9 raquo=bb ratio=2236 rbrace=7d rbrack=5d Rcaron=158 rcaron=159 Rcedil=156
        rcedil=157 rcub=7d Rcy=420 rcy=440 rdquo=201d rdquor=201d REG=ae reg=ae Rho=3a1 rho=3c1
        rhov=3f1 RightAngleBracket=27e9 ring=2da rlm=200f rpar=29 rsaquo=203a rsqb=5d rsquo=2019
        rsquor=2019 Sacute=15a sacute=15b sbquo=201a Scaron=160 scaron=161 Scedil=15e scedil=15f
        Scirc=15c scirc=15d Scy=421 scy=441 sect=a7 semi=3b setminus=2216 setmn=2216 SHCHcy=429
        shchcy=449 SHcy=428 shcy=448 shortmid=2223 shy=ad Sigma=3a3 sigma=3c3 sigmaf=3c2
        sigmav=3c2 sim=223c smallsetminus=2216 smid=2223 SOFTcy=42c softcy=44c sol=2f
        ssetmn=2216 straightepsilon=3f5 straightphi=3d5 strns=af sup1=b9 sup2=b2 sup3=b3
        szlig=df Tab=9 Tau=3a4 tau=3c4 Tcaron=164 tcaron=165 Tcedil=162 tcedil=163 Tcy=422
        tcy=442 tdot=20db Theta=398 theta=3b8 thetasym=3d1 thetav=3d1 thicksim=223c
        ThickSpace=205f+200a thinsp=2009 ThinSpace=2009 thksim=223c THORN=de thorn=fe Tilde=223c
        tilde=2dc times=d7 tprime=2034 TRADE=2122 trade=2122 TripleDot=20db TScy=426 tscy=446
        TSHcy=40b tshcy=45b Tstrok=166 tstrok=167 Uacute=da uacute=fa Ubrcy=40e ubrcy=45e
        Ubreve=16c ubreve=16d Ucirc=db ucirc=fb Ucy=423 ucy=443 Udblac=170 udblac=171 Ugrave=d9
        ugrave=f9 Umacr=16a umacr=16b uml=a8 UnderBar=5f Uogon=172 uogon=173 Upsi=3d2 upsi=3c5
        upsih=3d2 Upsilon=3a5 upsilon=3c5 Uring=16e uring=16f Utilde=168 utilde=169 Uuml=dc
        uuml=fc varepsilon=3f5 varkappa=3f0 varphi=3d5 varpi=3d6 varrho=3f1 varsigma=3c2
        vartheta=3d1 Vcy=412 vcy=432 Verbar=2016 verbar=7c Vert=2016 vert=7c VerticalBar=2223
        VerticalLine=7c VeryThinSpace=200a Wcirc=174 wcirc=175 Xi=39e xi=3be Yacute=dd yacute=fd
        YAcy=42f yacy=44f Ycirc=176 ycirc=177 Ycy=42b ycy=44b yen=a5 YIcy=407 yicy=457 YUcy=42e
        yucy=44e Yuml=178 yuml=ff Zacute=179 zacute=17a Zcaron=17d zcaron=17e Zcy=417 zcy=437
        Zdot=17b zdot=17c ZeroWidthSpace=200b Zeta=396 zeta=3b6 ZHcy=416 zhcy=436 zwj=200d
        zwnj=200c
        """
}
