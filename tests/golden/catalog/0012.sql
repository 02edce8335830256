BEGIN TRANSACTION;
CREATE TABLE access_requests (
	repository VARCHAR(64) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	reason TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (repository, user_name), 
	FOREIGN KEY(repository) REFERENCES repositories ("key"), 
	FOREIGN KEY(user_name) REFERENCES users (name), 
	UNIQUE (id)
);
INSERT INTO "access_requests" VALUES('k1','ada','request1','accepted','','2026-11-21 08:31:15.123456');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0012');
CREATE TABLE audit (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	"by" VARCHAR(64) NOT NULL, 
	verb VARCHAR(64) NOT NULL, 
	target TEXT NOT NULL, 
	detail TEXT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "audit" VALUES(1,'2026-11-21 08:30:15.123456','ada','user.add','ada','');
INSERT INTO "audit" VALUES(2,'2026-11-21 08:30:15.123456','ada','token.create','ada','');
INSERT INTO "audit" VALUES(3,'2026-11-21 08:30:15.123456','ada','package.add','org/model@1.0.0','');
INSERT INTO "audit" VALUES(4,'2026-11-21 08:30:15.123456','ada','package.add','org/model@1.1.0','');
INSERT INTO "audit" VALUES(5,'2026-11-21 08:30:15.123456','ada','package.withdraw','org/model@1.0.0','');
INSERT INTO "audit" VALUES(6,'2026-11-21 08:30:15.123456','ada','package.refuse','org/model@1.0.0','');
INSERT INTO "audit" VALUES(7,'2026-11-21 03:00:00.123456','ann','repo.create','ann/tiny','');
INSERT INTO "audit" VALUES(8,'2026-11-21 03:00:00.123456','ann','repo.commit','ann/tiny@6cb81a10997039058f812583e1f138c43ff99a17','main');
INSERT INTO "audit" VALUES(9,'2026-11-21 03:00:00.123456','ann','repo.tag','ann/tiny','');
INSERT INTO "audit" VALUES(10,'2026-11-21 03:00:00.123456','ann','repo.move','ann/tiny','ann/small');
INSERT INTO "audit" VALUES(11,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','#1');
INSERT INTO "audit" VALUES(12,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','#2');
INSERT INTO "audit" VALUES(13,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','');
INSERT INTO "audit" VALUES(14,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','');
INSERT INTO "audit" VALUES(15,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','');
INSERT INTO "audit" VALUES(16,'2026-11-21 08:31:15.123456','ada','discussion.open','ann/small','');
INSERT INTO "audit" VALUES(17,'2026-11-21 08:32:15.000000','ada','group.add','acme/Vision','');
INSERT INTO "audit" VALUES(18,'2026-11-21 08:32:15.000000','ada','group.member','acme/Vision','ada contributor');
INSERT INTO "audit" VALUES(19,'2026-11-21 08:32:15.000000','ada','repo.create','acme/eyes','private');
INSERT INTO "audit" VALUES(20,'2026-11-21 08:32:15.000000','ada','repo.branch.delete','acme/eyes','main');
INSERT INTO "audit" VALUES(21,'2026-11-21 08:32:15.000000','ada','quota.set','acme','1000');
INSERT INTO "audit" VALUES(22,'2026-11-21 08:30:15.123456','ada','evidence','org/model','performance_claims: 1 entry');
CREATE TABLE commits (
	repository VARCHAR(64) NOT NULL, 
	id VARCHAR(40) NOT NULL, 
	parents JSON NOT NULL, 
	tree VARCHAR(40) NOT NULL, 
	author VARCHAR(64) NOT NULL, 
	title TEXT NOT NULL, 
	message TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	files JSON NOT NULL, 
	PRIMARY KEY (repository, id), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "commits" VALUES('k1','39109bd4a67e8e0e470fee9bada0fc99189394a7','[]','4b825dc642cb6eb9a060e54bf8d69288fbee4904','ann','initial commit','','2026-11-21 03:00:00.000000','[]');
INSERT INTO "commits" VALUES('k1','6cb81a10997039058f812583e1f138c43ff99a17','["39109bd4a67e8e0e470fee9bada0fc99189394a7"]','367794ab82868d71ec23d1d31a53108f4ab32df5','ann','A card','of one line','2026-11-21 03:00:00.000000','[{"path": "README.md", "size": 7, "sha256": "ed347c545f8d8d4ccc39cc71fe9c7106bbe067be7779b3c835a56b27e8a619fa", "git_sha1": "14d286ebf3febd1e7319ce671d8d399dfe187ee4"}]');
INSERT INTO "commits" VALUES('k1','2c49d92b3b4447952db472a78d3aee35d5f7c473','["6cb81a10997039058f812583e1f138c43ff99a17"]','367794ab82868d71ec23d1d31a53108f4ab32df5','ada','Better','','2026-11-21 08:31:15.000000','[{"path": "README.md", "size": 7, "sha256": "ed347c545f8d8d4ccc39cc71fe9c7106bbe067be7779b3c835a56b27e8a619fa", "git_sha1": "14d286ebf3febd1e7319ce671d8d399dfe187ee4"}]');
INSERT INTO "commits" VALUES('k2','bb5b0f163dbb11de27486930a15ea50745eea267','[]','61118c4852d7d744de83c9570709ad98064d4a2a','ada','initial commit','','2026-11-21 08:32:15.000000','[{"path": "a.txt", "size": 4, "sha256": "d8fe183f5b8e732496891b98c9ea53304c704f12714cdf92873401055195f99f", "git_sha1": "a0730e1bfcd36195dfee1927662c5cbe0ae118cb"}]');
CREATE TABLE contents (
	repository VARCHAR(64) NOT NULL, 
	namespace VARCHAR(200) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	PRIMARY KEY (repository, namespace, sha256), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "contents" VALUES('k1','ann','ed347c545f8d8d4ccc39cc71fe9c7106bbe067be7779b3c835a56b27e8a619fa',7);
INSERT INTO "contents" VALUES('k2','acme','d8fe183f5b8e732496891b98c9ea53304c704f12714cdf92873401055195f99f',4);
CREATE TABLE discussion_events (
	position INTEGER NOT NULL, 
	id VARCHAR(64) NOT NULL, 
	repository VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	at DATETIME NOT NULL, 
	author VARCHAR(64) NOT NULL, 
	text TEXT NOT NULL, 
	"before" TEXT NOT NULL, 
	commit_id VARCHAR(40) NOT NULL, 
	edited BOOLEAN NOT NULL, 
	hidden BOOLEAN NOT NULL, 
	PRIMARY KEY (position), 
	UNIQUE (id), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "discussion_events" VALUES(1,'event1','k1',1,'comment','2026-11-21 08:31:15.123456','ada','Just asking','','',0,0);
INSERT INTO "discussion_events" VALUES(2,'event2','k1',2,'commit','2026-11-21 08:31:15.123456','ada','Better','','2c49d92b3b4447952db472a78d3aee35d5f7c473',0,0);
INSERT INTO "discussion_events" VALUES(3,'event3','k1',2,'title-change','2026-11-21 08:31:15.123456','ada','Best','Better','',0,0);
CREATE TABLE discussions (
	repository VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	title TEXT NOT NULL, 
	status VARCHAR(16) NOT NULL, 
	author VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	base VARCHAR(40) NOT NULL, 
	merged_as VARCHAR(40) NOT NULL, 
	PRIMARY KEY (repository, number), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "discussions" VALUES('k1',1,'Why?','open','ada','2026-11-21 08:31:15.123456','','');
INSERT INTO "discussions" VALUES('k1',2,'Best','open','ada','2026-11-21 08:31:15.123456','6cb81a10997039058f812583e1f138c43ff99a17','');
CREATE TABLE downloads (
	repository VARCHAR(64) NOT NULL, 
	day DATE NOT NULL, 
	count BIGINT NOT NULL, 
	PRIMARY KEY (repository, day), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "downloads" VALUES('k1','2026-11-20',3);
INSERT INTO "downloads" VALUES('k1','2026-01-20',4);
CREATE TABLE fingerprints (
	mark VARCHAR(16) NOT NULL, 
	value VARCHAR(64) NOT NULL, 
	package_id VARCHAR(64) NOT NULL, 
	subject TEXT NOT NULL, 
	PRIMARY KEY (mark, value, package_id), 
	FOREIGN KEY(package_id) REFERENCES packages (id)
);
INSERT INTO "fingerprints" VALUES('weights','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','11111111-1111-4111-8111-111111111111','model.safetensors');
INSERT INTO "fingerprints" VALUES('card','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','11111111-1111-4111-8111-111111111111','the signature');
INSERT INTO "fingerprints" VALUES('band','0000000000000000','11111111-1111-4111-8111-111111111111','');
INSERT INTO "fingerprints" VALUES('band','0000000000000001','11111111-1111-4111-8111-111111111111','');
INSERT INTO "fingerprints" VALUES('name','0000000000000000','11111111-1111-4111-8111-111111111111','');
INSERT INTO "fingerprints" VALUES('name','0000000000000001','11111111-1111-4111-8111-111111111111','');
INSERT INTO "fingerprints" VALUES('name','0000000000000002','11111111-1111-4111-8111-111111111111','');
CREATE TABLE group_members (
	group_id VARCHAR(64) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	PRIMARY KEY (group_id, user_name), 
	FOREIGN KEY(group_id) REFERENCES groups (id), 
	FOREIGN KEY(user_name) REFERENCES users (name)
);
INSERT INTO "group_members" VALUES('g1','ada','contributor');
CREATE TABLE groups (
	id VARCHAR(64) NOT NULL, 
	organization VARCHAR(64) NOT NULL, 
	name VARCHAR(64) NOT NULL, 
	description TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_group_per_name UNIQUE (organization, name), 
	FOREIGN KEY(organization) REFERENCES organizations (name)
);
INSERT INTO "groups" VALUES('g1','acme','Vision','Who sees','2026-11-21 08:32:15.000000','ada');
CREATE TABLE job_events (
	job VARCHAR(64) NOT NULL, 
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	data JSON NOT NULL, 
	PRIMARY KEY (job, number), 
	FOREIGN KEY(job) REFERENCES jobs (id)
);
INSERT INTO "job_events" VALUES('job-done',1,'2026-11-21 15:20:00.000000','queued','{"by": "ada"}');
INSERT INTO "job_events" VALUES('job-done',2,'2026-11-21 15:20:01.000000','begun','{"worker": "worker-1"}');
INSERT INTO "job_events" VALUES('job-done',3,'2026-11-21 15:20:02.000000','step','{"step": "ensure"}');
INSERT INTO "job_events" VALUES('job-done',4,'2026-11-21 15:20:03.000000','done','{}');
INSERT INTO "job_events" VALUES('job-failed',1,'2026-11-21 15:20:00.000000','queued','{"by": "ada"}');
INSERT INTO "job_events" VALUES('job-failed',2,'2026-11-21 15:20:00.000000','begun','{"worker": "worker-1"}');
INSERT INTO "job_events" VALUES('job-failed',3,'2026-11-21 15:20:00.000000','failed','{"error": {"code": "hub-down", "message": "the Hub does not answer", "hint": "", "fields": {}}}');
INSERT INTO "job_events" VALUES('job-waits',1,'2026-11-21 15:20:00.000000','queued','{"by": "ada"}');
INSERT INTO "job_events" VALUES('job-waits',2,'2026-11-21 15:20:00.000000','begun','{"worker": "worker-1"}');
INSERT INTO "job_events" VALUES('job-waits',3,'2026-11-21 15:20:00.000000','given back','{"due_at": "2026-11-21T15:25:00+00:00", "error": null}');
CREATE TABLE job_keys (
	key_sha256 VARCHAR(64) NOT NULL, 
	job VARCHAR(64) NOT NULL, 
	asked_sha256 VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (key_sha256), 
	FOREIGN KEY(job) REFERENCES jobs (id)
);
INSERT INTO "job_keys" VALUES('ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','job-done','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','2026-11-21 15:20:00.000000');
CREATE TABLE jobs (
	id VARCHAR(64) NOT NULL, 
	verb VARCHAR(16) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	name_key VARCHAR(200) NOT NULL, 
	revision VARCHAR(255) NOT NULL, 
	commit_id VARCHAR(40) NOT NULL, 
	wish JSON NOT NULL, 
	wish_key VARCHAR(64) NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	step VARCHAR(32) NOT NULL, 
	done_bytes BIGINT NOT NULL, 
	total_bytes BIGINT NOT NULL, 
	tries INTEGER NOT NULL, 
	deaths INTEGER NOT NULL, 
	patient BOOLEAN NOT NULL, 
	due_at DATETIME, 
	worker VARCHAR(64) NOT NULL, 
	cancel_asked BOOLEAN NOT NULL, 
	error JSON, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "jobs" VALUES('job-done','ingest','model','acme/tiny','acme/tiny','main','1111111111111111111111111111111111111111','{"id": "job-done"}','1111111111111111111111111111111111111111111111111111111111111111','done','',10,20,1,0,0,NULL,'',0,'null','2026-11-21 15:20:00.000000','ada','2026-11-21 15:20:01.000000','2026-11-21 15:20:03.000000');
INSERT INTO "jobs" VALUES('job-failed','ingest','model','acme/tiny','acme/tiny','main','2222222222222222222222222222222222222222','{"id": "job-failed"}','2222222222222222222222222222222222222222222222222222222222222222','failed','',0,0,1,0,1,NULL,'',0,'{"code": "hub-down", "message": "the Hub does not answer", "hint": "", "fields": {}}','2026-11-21 15:20:00.000000','ada','2026-11-21 15:20:00.000000','2026-11-21 15:20:00.000000');
INSERT INTO "jobs" VALUES('job-waits','ingest','model','acme/tiny','acme/tiny','main','3333333333333333333333333333333333333333','{"id": "job-waits"}','3333333333333333333333333333333333333333333333333333333333333333','queued','',0,0,1,0,0,'2026-11-21 15:25:00.000000','',0,'null','2026-11-21 15:20:00.000000','ada','2026-11-21 15:20:00.000000',NULL);
CREATE TABLE likes (
	repository VARCHAR(64) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (repository, user_name), 
	FOREIGN KEY(repository) REFERENCES repositories ("key"), 
	FOREIGN KEY(user_name) REFERENCES users (name)
);
INSERT INTO "likes" VALUES('k1','ada','2026-11-21 08:31:15.123456');
CREATE TABLE members (
	organization VARCHAR(64) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	PRIMARY KEY (organization, user_name), 
	FOREIGN KEY(organization) REFERENCES organizations (name), 
	FOREIGN KEY(user_name) REFERENCES users (name)
);
INSERT INTO "members" VALUES('acme','ada','write');
CREATE TABLE namespaces (
	name VARCHAR(200) NOT NULL, 
	used_bytes BIGINT NOT NULL, 
	quota_bytes BIGINT, 
	PRIMARY KEY (name)
);
INSERT INTO "namespaces" VALUES('ann',7,NULL);
INSERT INTO "namespaces" VALUES('acme',4,1000);
CREATE TABLE operator_notes (
	id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	name_key VARCHAR(200) NOT NULL, 
	metric VARCHAR(64) NOT NULL, 
	entries JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, repository VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "operator_notes" VALUES('n1','model','org/model','org/model','performance_claims','[{"dataset": {"id": "org/data", "task_id": "test"}, "value": 0.91}]','2026-11-21 08:30:15.123456','ada','');
INSERT INTO "operator_notes" VALUES('note2','model','ada/before','ada/before','performance_claims','[{"dataset": {"id": "org/data", "task_id": "test"}, "value": 0.91}]','2026-11-21 08:30:15.123456','ada','k8');
CREATE TABLE organizations (
	name VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "organizations" VALUES('acme','2026-11-21 08:31:15.123456','ada');
CREATE TABLE package_metrics (
	metric VARCHAR(64) NOT NULL, 
	package_id VARCHAR(64) NOT NULL, 
	value FLOAT NOT NULL, 
	PRIMARY KEY (metric, package_id), 
	FOREIGN KEY(package_id) REFERENCES packages (id)
);
INSERT INTO "package_metrics" VALUES('license','11111111-1111-4111-8111-111111111111',1.0);
INSERT INTO "package_metrics" VALUES('size_score','11111111-1111-4111-8111-111111111111',0.81);
INSERT INTO "package_metrics" VALUES('license','22222222-2222-4222-8222-222222222222',1.0);
INSERT INTO "package_metrics" VALUES('size_score','22222222-2222-4222-8222-222222222222',0.81);
CREATE TABLE package_zips (
	package_id VARCHAR(64) NOT NULL, 
	store TEXT NOT NULL, 
	"key" TEXT NOT NULL, 
	etag VARCHAR(64) NOT NULL, 
	size_bytes BIGINT NOT NULL, 
	worker VARCHAR(64) NOT NULL, 
	is_whole BOOLEAN NOT NULL, 
	PRIMARY KEY (package_id), 
	FOREIGN KEY(package_id) REFERENCES packages (id)
);
INSERT INTO "package_zips" VALUES('22222222-2222-4222-8222-222222222222','s3://models/the/store','org/model/1.1.0/package.zip','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',12345,'',1);
CREATE TABLE packages (
	id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	name_key VARCHAR(200) NOT NULL, 
	version VARCHAR(128) NOT NULL, 
	commit_id VARCHAR(40) NOT NULL, 
	manifest JSON NOT NULL, 
	net_score FLOAT NOT NULL, 
	metrics JSON NOT NULL, 
	evidence_sha256 VARCHAR(64) NOT NULL, 
	verdict_sha256 VARCHAR(64) NOT NULL, 
	description TEXT NOT NULL, 
	state VARCHAR(16) NOT NULL, 
	state_reason TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, size_bytes BIGINT DEFAULT '0' NOT NULL, licence VARCHAR(128) DEFAULT '' NOT NULL, searched TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT one_package_per_version UNIQUE (kind, name_key, version)
);
INSERT INTO "packages" VALUES('11111111-1111-4111-8111-111111111111','model','org/model','org/model','1.0.0','bd7662a5eeb41614e720d477abfcb2272e19a8a7','{"kind": "model", "repo": "org/model", "commit": "bd7662a5eeb41614e720d477abfcb2272e19a8a7", "files": [{"path": "config.json", "size": 47, "sha256": "6702d37b86ac4171d7cb23b14d515d1437f73529d6aa38ee93e46fffb78583e1", "git_sha1": "cb48c8d21b9153b71908fadb2a73a263445a13a0"}]}',0.7512,'{"license": 1.0, "size_score": 0.81}','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','A model.','withdrawn','superseded','2026-11-21 08:30:15.123456','ada',47,'apache-2.0','org/model
a model.');
INSERT INTO "packages" VALUES('22222222-2222-4222-8222-222222222222','model','org/model','org/model','1.1.0','b454f82c5857ebabf342b7258e5cf7def78b7cd9','{"kind": "model", "repo": "org/model", "commit": "b454f82c5857ebabf342b7258e5cf7def78b7cd9", "files": [{"path": "config.json", "size": 47, "sha256": "959b6a8cd2d87ab7c4498b8d267c0d829b5efed87c890849c020f564c323ff97", "git_sha1": "2857cfc13536a9168eb6afe8c6266d90008ba8d5"}]}',0.7512,'{"license": 1.0, "size_score": 0.81}','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','A model.','active','','2026-11-21 08:31:15.123456','ada',47,'','org/model
a model.');
CREATE TABLE refs (
	repository VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	commit_id VARCHAR(40) NOT NULL, 
	PRIMARY KEY (repository, kind, name), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "refs" VALUES('k1','branch','main','6cb81a10997039058f812583e1f138c43ff99a17');
INSERT INTO "refs" VALUES('k1','tag','v1','6cb81a10997039058f812583e1f138c43ff99a17');
INSERT INTO "refs" VALUES('k1','pull','refs/pr/2','2c49d92b3b4447952db472a78d3aee35d5f7c473');
CREATE TABLE refusals (
	id VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	revision VARCHAR(255) NOT NULL, 
	commit_id VARCHAR(40) NOT NULL, 
	outcome VARCHAR(16) NOT NULL, 
	sentence TEXT NOT NULL, 
	evidence_sha256 VARCHAR(64) NOT NULL, 
	verdict_sha256 VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "refusals" VALUES('33333333-3333-4333-8333-333333333333','model','org/model','main','f6222a1106eefe4f6b25302a9d963cfaba14bedf','refused','Model does not meet quality requirements. Failed metrics: License (0.00 < 0.50)','eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee','dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd','2026-11-21 08:30:15.123456','ada');
CREATE TABLE repositories (
	"key" VARCHAR(64) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	private BOOLEAN NOT NULL, 
	gate VARCHAR(16) NOT NULL, 
	created_at DATETIME NOT NULL, 
	created_by VARCHAR(64) NOT NULL, 
	deleted_at DATETIME, group_id VARCHAR(64) DEFAULT '' NOT NULL, origin_name VARCHAR(200) DEFAULT '' NOT NULL, origin_key VARCHAR(64) DEFAULT '' NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "repositories" VALUES('k1','model','ann/small',0,'','2026-11-21 03:00:00.123456','ann',NULL,'','','');
INSERT INTO "repositories" VALUES('k2','model','acme/eyes',1,'','2026-11-21 08:32:15.000000','ada',NULL,'g1','','');
INSERT INTO "repositories" VALUES('k8','model','ada/copy',0,'','2026-11-21 09:00:00.123456','ada',NULL,'','ann/small','k1');
INSERT INTO "repositories" VALUES('k9','model','ada/mirror',0,'','2026-11-21 09:00:00.123456','ada',NULL,'','org/model','');
CREATE TABLE repository_names (
	kind VARCHAR(16) NOT NULL, 
	name_key VARCHAR(200) NOT NULL, 
	repository VARCHAR(64) NOT NULL, 
	PRIMARY KEY (kind, name_key), 
	FOREIGN KEY(repository) REFERENCES repositories ("key")
);
INSERT INTO "repository_names" VALUES('model','ann/tiny','k1');
INSERT INTO "repository_names" VALUES('model','ann/small','k1');
INSERT INTO "repository_names" VALUES('model','acme/eyes','k2');
INSERT INTO "repository_names" VALUES('model','ada/copy','k8');
INSERT INTO "repository_names" VALUES('model','ada/mirror','k9');
CREATE TABLE scans (
	package_id VARCHAR(64) NOT NULL, 
	rules VARCHAR(64) NOT NULL, 
	verdict VARCHAR(16) NOT NULL, 
	report_sha256 VARCHAR(64) NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (package_id, rules), 
	FOREIGN KEY(package_id) REFERENCES packages (id)
);
INSERT INTO "scans" VALUES('11111111-1111-4111-8111-111111111111','2026.11.1','allow','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff','2026-11-21 08:30:15.123456');
CREATE TABLE tokens (
	id VARCHAR(64) NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	user_name VARCHAR(64) NOT NULL, 
	permissions JSON NOT NULL, 
	is_session BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	last_used_at DATETIME, 
	revoked_at DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (sha256), 
	FOREIGN KEY(user_name) REFERENCES users (name)
);
INSERT INTO "tokens" VALUES('t1','9ce1a19125eb3f096b943e4e0ecd63c1a8ec7b570b3d381caf2158f05cd70514','ada','["admin", "download", "search", "upload"]',0,'2026-11-21 08:30:15.123456','2026-12-21 08:30:15.123456',NULL,NULL);
CREATE TABLE tries (
	"key" VARCHAR(64) NOT NULL, 
	failures INTEGER NOT NULL, 
	last_at DATETIME NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "tries" VALUES('72b36183fe30d7ccf8a05b30ca6a9ce30a6c993854ebb0ce57bc9c32536ac28c',1,'2026-11-21 08:30:15.000000');
CREATE TABLE users (
	name VARCHAR(64) NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	permissions JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	disabled BOOLEAN NOT NULL, origin TEXT DEFAULT '' NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "users" VALUES('ada','$argon2id$v=19$m=19456,t=2,p=1$/nDKt0ITEqAcJ83BLsd1Bw$8dmQ3uIM91lKG1N/uybnCirkfiZbQ+vwBjnukfqgkvw','["admin", "download", "search", "upload"]','2026-11-21 08:30:15.123456',0,'');
CREATE TABLE waivers (
	id INTEGER NOT NULL, 
	package_id VARCHAR(64) NOT NULL, 
	metric VARCHAR(64) NOT NULL, 
	repo VARCHAR(200) NOT NULL, 
	commit_id VARCHAR(40), 
	reason TEXT NOT NULL, 
	author VARCHAR(64) NOT NULL, 
	expires DATE, 
	PRIMARY KEY (id), 
	FOREIGN KEY(package_id) REFERENCES packages (id)
);
INSERT INTO "waivers" VALUES(1,'22222222-2222-4222-8222-222222222222','performance_claims','org/model',NULL,'we measured it ourselves','ada','2027-01-31');
CREATE TABLE workers (
	id VARCHAR(64) NOT NULL, 
	host VARCHAR(255) NOT NULL, 
	pid INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	beat_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "workers" VALUES('worker-1','host',4711,'2026-11-21 15:20:00.000000','2026-11-21 15:20:00.000000');
CREATE UNIQUE INDEX one_active_package_per_commit ON packages (kind, name_key, commit_id) WHERE state = 'active';
CREATE INDEX waivers_of_package ON waivers (package_id);
CREATE INDEX refusals_by_age ON refusals (created_at, id);
CREATE INDEX tokens_of_user ON tokens (user_name);
CREATE INDEX names_of_repository ON repository_names (repository);
CREATE INDEX refusals_of_commit ON refusals (commit_id);
CREATE INDEX events_of_discussion ON discussion_events (repository, number);
CREATE INDEX organizations_of_user ON members (user_name);
CREATE INDEX groups_of_user ON group_members (user_name);
CREATE INDEX repositories_of_group ON repositories (group_id);
CREATE INDEX contents_of_namespace ON contents (namespace, sha256, size_bytes);
CREATE INDEX fingerprints_of_package ON fingerprints (package_id, mark);
CREATE INDEX notes_of_repository ON operator_notes (kind, name_key);
CREATE INDEX notes_of_hosted ON operator_notes (repository);
CREATE UNIQUE INDEX one_active_job_per_wish ON jobs (wish_key) WHERE state IN ('queued', 'running');
CREATE UNIQUE INDEX one_running_job_per_commit ON jobs (kind, name_key, commit_id) WHERE state = 'running';
CREATE INDEX jobs_by_age ON jobs (created_at, id);
CREATE INDEX jobs_by_state ON jobs (state, due_at);
CREATE INDEX packages_by_metric ON package_metrics (metric, value, package_id);
CREATE INDEX packages_listed ON packages (created_at, id, state, kind, name_key, net_score, size_bytes, licence, created_by, searched);
CREATE INDEX tries_by_age ON tries (last_at);
CREATE INDEX audit_by_verb ON audit (verb, id);
CREATE INDEX audit_by_caller ON audit ("by", id);
CREATE INDEX audit_by_age ON audit (at);
COMMIT;
