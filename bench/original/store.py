"""The tables, and the engine over the SQLite file that DATABASE names."""

import os
from datetime import datetime, timezone

from sqlalchemy import BigInteger, Boolean, Date, Integer, String, Text, TypeDecorator, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

Id = BigInteger().with_variant(Integer, "sqlite")


class Instant(TypeDecorator):
    """An instant in UTC, in the text that the other servers store."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value, dialect):
        return None if value is None else value.isoformat()

    def process_result_value(self, value, dialect):
        return None if value is None else datetime.fromisoformat(value).astimezone(timezone.utc)


class Base(DeclarativeBase):
    pass


class Drug(Base):
    __tablename__ = "drugs"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    name = mapped_column(String(200), nullable=False)
    dosage_strength = mapped_column(String(100))
    unit = mapped_column(String(30), nullable=False)
    schedule_type = mapped_column(String(20), nullable=False)
    morning_pre_food = mapped_column(BigInteger, nullable=False)
    morning_post_food = mapped_column(BigInteger, nullable=False)
    noon_pre_food = mapped_column(BigInteger, nullable=False)
    noon_post_food = mapped_column(BigInteger, nullable=False)
    evening_pre_food = mapped_column(BigInteger, nullable=False)
    evening_post_food = mapped_column(BigInteger, nullable=False)
    night = mapped_column(BigInteger, nullable=False)
    even_week_pills = mapped_column(BigInteger)
    odd_week_pills = mapped_column(BigInteger)
    start_date = mapped_column(Date)
    end_date = mapped_column(Date)
    current_amount = mapped_column(BigInteger, nullable=False)
    counted_on = mapped_column(Date, nullable=False)
    package_size = mapped_column(BigInteger, nullable=False)
    reorder_lead_days = mapped_column(Integer, nullable=False)
    archived = mapped_column(Boolean, nullable=False)
    run_out_date = mapped_column(Date, nullable=False, index=True)
    reorder_date = mapped_column(Date, nullable=False, index=True)
    search_text = mapped_column(Text, nullable=False, index=True)
    version = mapped_column(BigInteger, nullable=False)
    created_at = mapped_column(Instant, nullable=False)
    updated_at = mapped_column(Instant, nullable=False)
    instructions = mapped_column(Text)


class DoctorVacation(Base):
    __tablename__ = "doctor_vacations"

    id: Mapped[int] = mapped_column(Id, primary_key=True, autoincrement=True)
    start_date = mapped_column(Date, nullable=False)
    end_date = mapped_column(Date, nullable=False)
    notes = mapped_column(Text)
    version = mapped_column(BigInteger, nullable=False)
    created_at = mapped_column(Instant, nullable=False)
    updated_at = mapped_column(Instant, nullable=False)


# One connection for each of the threads that FastAPI answers on.
engine = create_engine(
    f"sqlite:///{os.environ['DATABASE']}",
    connect_args={"check_same_thread": False, "timeout": 60},
    pool_size=40,
)


@event.listens_for(engine, "connect")
def durable(connection, _record):
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


Session = sessionmaker(engine, expire_on_commit=False)
