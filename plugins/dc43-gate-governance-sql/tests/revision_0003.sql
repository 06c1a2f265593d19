-- A ledger of revision 3 as its release writes it, from `sqlite3.Connection.iterdump`. Never to be changed:
-- every later release has to open it.
BEGIN TRANSACTION;
CREATE TABLE dc43_approvals (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	approval_id TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	dataset_id TEXT NOT NULL, 
	dataset_version TEXT NOT NULL, 
	record_id TEXT NOT NULL, 
	number INTEGER NOT NULL, 
	status TEXT NOT NULL, 
	at TEXT NOT NULL, 
	format_version INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	UNIQUE (approval_id)
);
INSERT INTO "dc43_approvals" VALUES(1,'5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0-approval-1','default','orders','1','5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0',1,'approved','2026-11-23T17:05:00.000Z',1,'{"record_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0", "dataset_id": "orders", "dataset_version": "1", "sink": "file:/data/orders", "number": 1, "status": "approved", "by": "anna", "at": "2026-11-23T17:05:00.000Z", "reason": "gr\u00f6\u00dfe \ud83e\uddfe", "namespace": "default", "format_version": 1, "approval_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0-approval-1"}');
INSERT INTO "dc43_approvals" VALUES(2,'5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0-approval-2','default','orders','1','5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0',2,'rejected','2026-11-23T17:05:00.000Z',1,'{"record_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0", "dataset_id": "orders", "dataset_version": "1", "sink": "file:/data/orders", "number": 2, "status": "rejected", "by": "anna", "at": "2026-11-23T17:05:00.000Z", "reason": "two carriers swapped", "namespace": "default", "format_version": 1, "approval_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0-approval-2"}');
CREATE TABLE dc43_ledger_revision (
	version_num VARCHAR(32) NOT NULL, 
	PRIMARY KEY (version_num)
);
INSERT INTO "dc43_ledger_revision" VALUES('0003');
CREATE TABLE dc43_measurements (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	measurement_id TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	dataset_id TEXT NOT NULL, 
	dataset_version TEXT NOT NULL, 
	state TEXT NOT NULL, 
	verdict TEXT, 
	requested_at TEXT NOT NULL, 
	heartbeat_at TEXT NOT NULL, 
	ended_at TEXT, 
	format_version INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	UNIQUE (measurement_id)
);
INSERT INTO "dc43_measurements" VALUES(1,'measurement-1','default','orders','3','done','warn','2026-11-23T17:05:00.000Z','2026-11-23T17:05:00.000Z','2026-11-23T17:05:00.000Z',1,'{"measurement_id": "measurement-1", "dataset_id": "orders", "dataset_version": "3", "contract_id": "orders", "contract_version": "1.0.0", "state": "done", "driver": "host, process 43", "requested_at": "2026-11-23T17:05:00.000Z", "heartbeat_at": "2026-11-23T17:05:00.000Z", "ended_at": "2026-11-23T17:05:00.000Z", "verdict": "warn", "row_count": 10, "violations_by_check": {"primaryKey": 2}, "errors": ["id must be unique: broken by 2 of 10 rows"], "warnings": [], "metrics": {"row_count": 10}, "reason": null, "namespace": "default", "format_version": 1}');
CREATE TABLE dc43_records (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	record_id TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	stream_id TEXT NOT NULL, 
	query_name TEXT, 
	run_id TEXT NOT NULL, 
	run_type TEXT NOT NULL, 
	batch_id BIGINT NOT NULL, 
	dataset_id TEXT NOT NULL, 
	dataset_version TEXT, 
	contract_id TEXT NOT NULL, 
	contract_version TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	verdict TEXT NOT NULL, 
	decision TEXT NOT NULL, 
	row_count BIGINT NOT NULL, 
	main_count BIGINT NOT NULL, 
	valid_count BIGINT NOT NULL, 
	reject_count BIGINT NOT NULL, 
	violations BIGINT NOT NULL, 
	started_at TEXT NOT NULL, 
	ended_at TEXT NOT NULL, 
	format_version INTEGER NOT NULL, 
	payload TEXT NOT NULL, 
	UNIQUE (record_id)
);
INSERT INTO "dc43_records" VALUES(1,'5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0','default','5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11',NULL,'run-1','enforce',0,'orders','1','orders','1.0.0','committed','warn','continue',10,9,9,1,1,'2026-11-23T17:03:12.004Z','2026-11-23T17:03:13.254Z',1,'{"record_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-0", "namespace": "default", "stream_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11", "query_name": null, "run_id": "run-1", "run_type": "enforce", "epoch": 1, "batch_id": 0, "started_at": "2026-11-23T17:03:12.004Z", "ended_at": "2026-11-23T17:03:13.254Z", "row_count": 10, "main_count": 9, "valid_count": 9, "reject_count": 1, "violations": 1, "violations_by_check": {"amount.required": 1}, "verdict": "warn", "outcome": "committed", "decision": "continue", "intervention": null, "metrics": {"amount.missing": 1}, "errors": ["gr\u00f6\u00dfe \ud83e\uddfe"], "warnings": [], "dataset_id": "orders", "dataset_version": "1", "contract_id": "orders", "contract_version": "1.0.0", "contract_digest": "sha256:0", "sink": "file:/data/orders", "rejects": "file:/data/orders.rejects", "guarantee": "exactly-once", "input": {}, "drift": [], "strategies": {}, "details": {}, "format_version": 1, "timestamp": "2026-11-23T17:03:13.254Z", "duration": 1.25}');
INSERT INTO "dc43_records" VALUES(2,'5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-1-blocked','default','5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11',NULL,'run-1','enforce',1,'orders',NULL,'orders','1.0.0','blocked','block','block',10,0,9,0,1,'2026-11-23T17:03:12.004Z','2026-11-23T17:03:13.254Z',1,'{"record_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-1-blocked", "namespace": "default", "stream_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11", "query_name": null, "run_id": "run-1", "run_type": "enforce", "epoch": 1, "batch_id": 1, "started_at": "2026-11-23T17:03:12.004Z", "ended_at": "2026-11-23T17:03:13.254Z", "row_count": 10, "main_count": 0, "valid_count": 9, "reject_count": 0, "violations": 1, "violations_by_check": {"amount.required": 1}, "verdict": "block", "outcome": "blocked", "decision": "block", "intervention": "1 row breaks amount.required", "metrics": {"amount.missing": 1}, "errors": [], "warnings": [], "dataset_id": "orders", "dataset_version": null, "contract_id": "orders", "contract_version": "1.0.0", "contract_digest": "sha256:0", "sink": "file:/data/orders", "rejects": "file:/data/orders.rejects", "guarantee": "exactly-once", "input": {}, "drift": [], "strategies": {}, "details": {}, "format_version": 1, "timestamp": "2026-11-23T17:03:13.254Z", "duration": 1.25}');
INSERT INTO "dc43_records" VALUES(3,'5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-1','default','5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11',NULL,'run-1','enforce',1,'orders','1','orders','1.0.0','committed','warn','continue',10,9,9,1,1,'2026-11-23T17:03:12.004Z','2026-11-23T17:03:13.254Z',1,'{"record_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11-1", "namespace": "default", "stream_id": "5f0c7e0e-2f54-4f0f-9d64-0c1f5c1f7a11", "query_name": null, "run_id": "run-1", "run_type": "enforce", "epoch": 1, "batch_id": 1, "started_at": "2026-11-23T17:03:12.004Z", "ended_at": "2026-11-23T17:03:13.254Z", "row_count": 10, "main_count": 9, "valid_count": 9, "reject_count": 1, "violations": 1, "violations_by_check": {"amount.required": 1}, "verdict": "warn", "outcome": "committed", "decision": "continue", "intervention": null, "metrics": {"amount.missing": 1}, "errors": [], "warnings": [], "dataset_id": "orders", "dataset_version": "1", "contract_id": "orders", "contract_version": "1.0.0", "contract_digest": "sha256:0", "sink": "file:/data/orders", "rejects": "file:/data/orders.rejects", "guarantee": "exactly-once", "input": {}, "drift": [], "strategies": {}, "details": {}, "format_version": 1, "timestamp": "2026-11-23T17:03:13.254Z", "duration": 1.25}');
CREATE TABLE dc43_runs (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	run_id TEXT NOT NULL, 
	namespace TEXT NOT NULL, 
	stream_id TEXT NOT NULL, 
	dataset_id TEXT NOT NULL, 
	run_type TEXT NOT NULL, 
	started_at TEXT NOT NULL, 
	heartbeat_at TEXT NOT NULL, 
	step TEXT, 
	batch_id BIGINT, 
	ended_at TEXT, 
	outcome TEXT, 
	format_version INTEGER NOT NULL, 
	stop_request TEXT, 
	payload TEXT NOT NULL, 
	UNIQUE (run_id)
);
INSERT INTO "dc43_runs" VALUES(1,'run-1','default','5f0c7e0e2f544f0f9d640c1f5c1f7a11','orders','enforce','2026-11-23T17:03:12.004Z','2026-11-23T17:03:12.004Z','swept',1,'2026-11-23T17:05:00.000Z','stopped',1,'{"by": "anna", "at": "2026-11-23T17:05:00.000Z", "reason": "gr\u00f6\u00dfe \ud83e\uddfe"}','{"run_id": "run-1", "stream_id": "5f0c7e0e2f544f0f9d640c1f5c1f7a11", "epoch": 1, "dataset_id": "orders", "contract_id": "orders", "contract_version": "1.0.0", "query_name": null, "run_type": "enforce", "sink": "file:/data/orders", "checkpoint": "file:/data/checkpoint", "driver": "host, process 43", "started_at": "2026-11-23T17:03:12.004Z", "heartbeat_at": "2026-11-23T17:03:12.004Z", "step": "swept", "batch_id": 1, "ended_at": "2026-11-23T17:05:00.000Z", "outcome": "stopped", "reason": "on request of anna", "namespace": "default", "format_version": 1}');
INSERT INTO "dc43_runs" VALUES(2,'run-2','default','5f0c7e0e2f544f0f9d640c1f5c1f7a11','orders','enforce','2026-11-23T17:03:12.004Z','2026-11-23T17:03:12.004Z','staged',2,NULL,NULL,1,NULL,'{"run_id": "run-2", "stream_id": "5f0c7e0e2f544f0f9d640c1f5c1f7a11", "epoch": 2, "dataset_id": "orders", "contract_id": "orders", "contract_version": "1.0.0", "query_name": null, "run_type": "enforce", "sink": "file:/data/orders", "checkpoint": "file:/data/checkpoint", "driver": "host, process 43", "started_at": "2026-11-23T17:03:12.004Z", "heartbeat_at": "2026-11-23T17:03:12.004Z", "step": "staged", "batch_id": 2, "ended_at": null, "outcome": null, "reason": null, "namespace": "default", "format_version": 1}');
CREATE TABLE dc43_schema_observations (
	sequence INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	namespace TEXT NOT NULL, 
	dataset_id TEXT NOT NULL, 
	dataset_version TEXT NOT NULL, 
	direction TEXT NOT NULL, 
	observed_at TEXT NOT NULL, 
	contract_id TEXT NOT NULL, 
	contract_version TEXT NOT NULL, 
	payload TEXT NOT NULL
);
INSERT INTO "dc43_schema_observations" VALUES(1,'default','orders','schema-0','read','2026-11-23T17:03:10.000Z','orders','1.0.0','{"dataset_id": "orders", "dataset_version": "schema-0", "direction": "read", "observed_at": "2026-11-23T17:03:10.000Z", "schema": {"id": "bigint", "state": "string"}, "contract_id": "orders", "contract_version": "1.0.0", "problems": [], "namespace": "default", "format_version": 1}');
CREATE INDEX dc43_records_by_dataset ON dc43_records (namespace, dataset_id, sequence);
CREATE INDEX dc43_records_by_stream ON dc43_records (namespace, stream_id, sequence);
CREATE INDEX dc43_schema_observations_by_dataset ON dc43_schema_observations (namespace, dataset_id, sequence);
CREATE INDEX dc43_runs_by_stream ON dc43_runs (namespace, stream_id, sequence);
CREATE INDEX dc43_runs_by_dataset ON dc43_runs (namespace, dataset_id, sequence);
CREATE INDEX dc43_approvals_by_dataset ON dc43_approvals (namespace, dataset_id, sequence);
CREATE INDEX dc43_measurements_by_dataset ON dc43_measurements (namespace, dataset_id, sequence);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('dc43_records',3);
INSERT INTO "sqlite_sequence" VALUES('dc43_schema_observations',1);
INSERT INTO "sqlite_sequence" VALUES('dc43_runs',2);
INSERT INTO "sqlite_sequence" VALUES('dc43_approvals',2);
INSERT INTO "sqlite_sequence" VALUES('dc43_measurements',1);
COMMIT;
