//! Every route and every layer, on one screen.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::Response;
use tower::Service;
use tower::ServiceBuilder;
use tower::util::MapRequestLayer;
use tower_http::compression::{CompressionBody, CompressionLayer, DefaultPredicate, Predicate};
use tower_http::csrf::CsrfLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::state::App;
use crate::{doctor_vacations, drugs, health, middleware, openapi};

/// The description of the API.
pub fn document() -> OpenApi {
    openapi::with_optional_refill(openapi::with_problems(routes().into_openapi()))
}

/// The whole service.
pub fn service(
    app: App,
) -> impl Service<Request, Response = Response<CompressionBody<Body>>, Error = Infallible, Future: Send>
+ Clone
+ Send
+ 'static {
    // Its text is all that is asked for; it is kept and nothing of what it was made from.
    let document = document().to_json().expect("the description is plain JSON");
    let document = Bytes::from(document);
    let docs = SwaggerUi::new("/docs").config(
        Config::new(["/openapi.json"])
            .validator_url("none")
            .try_it_out_enabled(true),
    );
    let (resources, _) = routes().split_for_parts();
    let router = Router::new()
        .merge(resources)
        .route(
            "/openapi.json",
            axum::routing::get(|| async move {
                let json = HeaderValue::from_static("application/json");
                ([(header::CONTENT_TYPE, json)], document)
            }),
        )
        .merge(docs)
        .layer(
            ServiceBuilder::new()
                .layer_fn(middleware::observed)
                .layer(CsrfLayer::new()),
        )
        .with_state(app);
    ServiceBuilder::new()
        .layer(MapRequestLayer::new(middleware::tidy))
        .layer(CompressionLayer::new().compress_when(untagged.and(DefaultPredicate::new())))
        .service(router)
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        .merge(drugs::router())
        .merge(doctor_vacations::router())
        .merge(health::router())
}

/// A strong entity tag names one sequence of bytes, so what bears one is not compressed.
fn untagged(_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions) -> bool {
    let tag = headers.get(header::ETAG);
    tag.is_none_or(|tag| tag.as_bytes().starts_with(b"W/"))
}
