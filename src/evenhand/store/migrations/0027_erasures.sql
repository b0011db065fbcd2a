-- Whether somebody was erased is asked whenever an application tells of a device or an address that is new.
create index erasure_account on erasure (account);
