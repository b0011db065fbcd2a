-- Evidence: what was sealed, what it is like, where it was shown, and fresh photographs asked for. Files lie in the vault, by hash.

-- One file as somebody sent it. `pdq` and what follows it are null where there is nothing to compare by sight: no image, or a plain one.
create table evidence (
    no          bigint generated always as identity primary key,
    -- what applications refer to; not to be guessed
    id          text collate "C" not null unique check (id ~ '^ev_[0-9a-f]{32}$'),
    market      smallint not null references market (no),
    party       text not null check (party in ('buyer', 'merchant', 'platform', 'inspector')),
    kind        text not null check (kind in ('jpeg', 'png', 'webp', 'heic', 'gif', 'text', 'pdf', 'tracking')),
    bytes       int not null check (bytes > 0),
    -- SHA-256 of the file as it came, and of the copy that may be shown (the same where nothing is taken out of it)
    sealed      bytea not null check (length(sealed) = 32),
    copied      bytea not null check (length(copied) = 32),
    -- of an image, as stored in the file
    width       int check (width > 0),
    height      int check (height > 0),
    frames      int check (frames > 0),
    -- how much there is to see, 0 to 100 (PDQ)
    quality     smallint check (quality between 0 and 100),
    -- 256 bits of the whole, of nine windows, and 64 x 64 grey pixels
    pdq         bytea check (length(pdq) = 32),
    windows     bytea check (length(windows) = 288),
    thumbnail   bytea check (length(thumbnail) = 4096),
    received_at timestamptz not null,
    check ((width is null) = (height is null) and (width is null) = (quality is null)),
    check ((pdq is null) = (windows is null) and (pdq is null) = (thumbnail is null))
);
alter table evidence alter thumbnail set storage external;
create index evidence_sealed on evidence (sealed);

-- Two files that are the same, or show the same photograph, as found when the later one came.
create table evidence_alike (
    evidence bigint not null references evidence (no),
    earlier  bigint not null references evidence (no) check (earlier < evidence),
    -- byte for byte
    exact    boolean not null,
    -- differing bits of the nearest hashes, and how the details correlate; null where only the bytes were compared
    distance smallint check (distance between 0 and 256),
    likeness real check (likeness between -1 and 1),
    check (exact or likeness is not null),
    primary key (evidence, earlier)
);
create index evidence_alike_earlier on evidence_alike (earlier);

-- Evidence shown in a case, with the other cases in which it, or its like, had been shown by then.
create table evidence_use (
    case_no  bigint not null,
    evidence bigint not null references evidence (no),
    -- the order the case is about
    order_no bigint not null,
    -- when the application was filed, or the evidence added
    at       timestamptz not null,
    seen_in  bigint[] not null,
    primary key (case_no, evidence)
);
create index evidence_use_evidence on evidence_use (evidence);

-- A fresh photograph that somebody asked for in a case: it must show the code, written by hand beside the goods.
create table photo_request (
    no         bigint generated always as identity primary key,
    case_no    bigint not null references application (no),
    code       text not null check (code ~ '^[A-Z0-9]{6}$'),
    asked_by   text not null check (asked_by <> ''),
    asked_at   timestamptz not null,
    expires_at timestamptz not null check (expires_at > asked_at),
    unique (case_no, code)
);

-- What a person saw on the photograph that answered. Only a person decides whether the code is on it.
create table photo_check (
    request    bigint primary key references photo_request (no),
    evidence   bigint not null references evidence (no),
    shows_code boolean not null,
    checked_by text not null check (checked_by <> ''),
    checked_at timestamptz not null,
    note       text not null
);

create trigger evidence_is_immutable before update or delete on evidence for each statement execute function refuse_change();
create trigger evidence_alike_is_immutable before update or delete on evidence_alike for each statement execute function refuse_change();
create trigger evidence_use_is_immutable before update or delete on evidence_use for each statement execute function refuse_change();
create trigger photo_request_is_immutable before update or delete on photo_request for each statement execute function refuse_change();
create trigger photo_check_is_immutable before update or delete on photo_check for each statement execute function refuse_change();
