-- What the camera that took a photograph says of it: C2PA capture credentials whose signer is trusted. Anything else has no row.
create table capture_credential (
    evidence     bigint primary key references evidence (no),
    signer       text not null check (signer <> ''),
    camera       text not null,
    source       text not null check (source in ('digitalCapture', 'computationalCapture')),
    taken_at     timestamptz not null,
    -- by a trusted time stamp; else by the camera's clock
    time_stamped boolean not null
);

-- It tells who has which camera and when it was used: it goes with the file, whatever the reason.
create function keep_until_removed() returns trigger language plpgsql as $$
begin
    if current_setting('evenhand.erasing', true) = 'on' then
        return old;
    end if;
    raise exception '% rows are never deleted', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger capture_credential_is_immutable before update on capture_credential
    for each statement execute function refuse_change();
create trigger capture_credential_is_kept before delete on capture_credential
    for each row execute function keep_until_removed();

-- Whether its capture credential counted for the buyer when it was shown.
alter table evidence_use add column credential boolean not null default false;
