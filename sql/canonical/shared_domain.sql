-- shared_domain: mail domains that say nothing about whom a person works for: those of mail providers, and our own.
-- grain: domain
-- key: domain
-- domain VARCHAR: registrable domain in lower case
-- kind VARCHAR: free_mail, or vendor for our own (setting people.vendor_domains)
-- note: a declared row in partner_identity can still give such a domain to a partner
WITH free_mail AS (
    SELECT unnest([
        'gmail.com', 'googlemail.com', 'outlook.com', 'outlook.de', 'outlook.fr', 'hotmail.com', 'hotmail.co.uk',
        'hotmail.de', 'hotmail.fr', 'hotmail.it', 'live.com', 'live.co.uk', 'live.de', 'live.fr', 'msn.com', 'yahoo.com',
        'yahoo.co.jp', 'yahoo.co.uk', 'yahoo.co.in', 'yahoo.de', 'yahoo.fr', 'yahoo.it', 'yahoo.es', 'ymail.com',
        'rocketmail.com', 'icloud.com', 'me.com', 'mac.com', 'aol.com', 'aim.com', 'gmx.de', 'gmx.net', 'gmx.com', 'gmx.at',
        'gmx.ch', 'web.de', 'freenet.de', 't-online.de', 'mail.com', 'email.com', 'proton.me', 'protonmail.com', 'pm.me',
        'tutanota.com', 'tuta.io', 'fastmail.com', 'hey.com', 'zoho.com', 'zohomail.com', 'yandex.ru', 'yandex.com',
        'ya.ru', 'mail.ru', 'bk.ru', 'inbox.ru', 'list.ru', 'rambler.ru', 'qq.com', '163.com', '126.com', 'sina.com',
        'sohu.com', 'foxmail.com', 'naver.com', 'hanmail.net', 'daum.net', 'rediffmail.com', 'orange.fr', 'wanadoo.fr',
        'free.fr', 'sfr.fr', 'laposte.net', 'libero.it', 'virgilio.it', 'tiscali.it', 'bluewin.ch', 'seznam.cz', 'wp.pl',
        'o2.pl', 'interia.pl', 'onet.pl', 'uol.com.br', 'bol.com.br', 'terra.com.br', 'comcast.net', 'verizon.net',
        'att.net', 'sbcglobal.net', 'bellsouth.net', 'cox.net', 'shaw.ca', 'rogers.com', 'btinternet.com', 'sky.com',
        'bigpond.com', 'optusnet.com.au', 'telenet.be', 'skynet.be', 'ziggo.nl', 'kpnmail.nl', 'telia.com'
    ]) AS domain
),

final AS (
    SELECT domain, 'free_mail' AS kind FROM free_mail
    UNION
    SELECT lower(value) AS domain, 'vendor' AS kind
    FROM setting_list
    WHERE setting = 'people.vendor_domains' AND lower(value) NOT IN (SELECT domain FROM free_mail)
)

SELECT * FROM final
